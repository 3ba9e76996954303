/* sources: LWIP */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a connection has learnt of its way is forgotten at once when the network changes: another
 * neighbour, gateway, MTU, a cable that is out, an address that goes. TCP's own settings count for
 * the next segment, and a neighbour is asked again before its time is over.
 */
#include "unit.h"

#include "net_ends.h"

#include <netif/etharp.h>

static uint8_t last[2048]; /* the last frame with TCP in IPv4 */
static unsigned frames, requests, longest, fragments;
static uint8_t asked_for[4];

static void look(const uint8_t *data, unsigned len)
{
    if (get16(data + 12) == 0x0806 && get16(data + 20) == 1) {
        requests++;
        memcpy(asked_for, data + 38, 4);
    } else if (get16(data + 12) == 0x0800 && data[23] == 6) {
        memcpy(last, data, len < sizeof(last) ? len : sizeof(last));
        frames++;
        longest = len > longest ? len : longest;
        fragments += (get16(data + 20) & 0x3fff) != 0;
        EXPECT(fold(sum_words(data + 14, 20, 0)) == 0);
        EXPECT(get16(data + 16) == len - 14);
    }
    if (get16(data + 12) != 0x0800 || (get16(data + 20) & 0x3fff) == 0) {
        mirror_sent(data, len);
    }
}

/* One write; whether anything of it went out at once. */
static bool write_bytes(unsigned n)
{
    frames = requests = longest = fragments = 0;
    net_lock();
    EXPECT(tcp_write(ends[0].pcb, &pattern[ends[0].written % PATTERN], (u16_t)n,
                     TCP_WRITE_FLAG_COPY) == ERR_OK);
    ends[0].written += n;
    tcp_output(ends[0].pcb);
    net_unlock();
    return frames > 0;
}

/* All that was written arrives. */
static void settle(void)
{
    for (unsigned i = 0; i < 100000 && ends[1].read < ends[0].written; i++) {
        net_lock();
        act(&ends[1]);
        net_unlock();
        mirror_step();
    }
    EXPECT(ends[1].read == ends[0].written);
    for (unsigned i = 0; i < 50; i++) {
        mirror_step();
    }
}

static void change(void (*how)(struct netif *))
{
    net_lock();
    how(&net_card_list->netif);
    net_unlock();
}

static void shorten(struct netif *n) { n->mtu = 600; }
static void lengthen(struct netif *n) { n->mtu = 1500; }

static void set(struct netif *n, void (*what)(struct netif *, const ip4_addr_t *), unsigned last_byte,
                unsigned first)
{
    ip4_addr_t a;
    IP4_ADDR(&a, first, first == 255 ? 255 : 0, first == 255 ? 255 : 0, last_byte);
    what(n, &a);
}

static void narrow(struct netif *n) { set(n, netif_set_netmask, 254, 255); }
static void widen(struct netif *n) { set(n, netif_set_netmask, 0, 255); }
static void other_gateway(struct netif *n) { set(n, netif_set_gw, 9, 10); }
static void old_gateway(struct netif *n) { set(n, netif_set_gw, 1, 10); }
static void other_address(struct netif *n) { set(n, netif_set_ipaddr, 7, 10); }
static void old_address(struct netif *n) { set(n, netif_set_ipaddr, 2, 10); }

static void say_mac(unsigned byte)
{
    struct frame f;
    make_arp(&f, 2);
    f.data[11] = (uint8_t)byte;
    f.data[27] = (uint8_t)byte;
    mirror_give(&f);
}

static void test_neighbour(void)
{
    EXPECT(write_bytes(10) && last[5] == peer_mac[5] && requests == 0);
    settle();
    say_mac(0x55);
    EXPECT(write_bytes(10) && last[5] == 0x55);
    settle();
    say_mac(peer_mac[5]);
    EXPECT(write_bytes(10) && last[5] == peer_mac[5]);
    settle();
}

static void test_cable(void)
{
    change(netif_set_link_down);
    EXPECT(!write_bytes(10));
    change(netif_set_link_up);
    settle();
    change(netif_set_down);
    EXPECT(!write_bytes(10));
    change(netif_set_up);
    settle();
    EXPECT(write_bytes(10));
    settle();
}

static void test_route(void)
{
    change(narrow); /* the neighbour is elsewhere now, and reached by the gateway, which is himself */
    EXPECT(write_bytes(10) && last[5] == peer_mac[5]);
    settle();
    change(other_gateway);
    EXPECT(!write_bytes(10) && requests == 1 && asked_for[3] == 9);
    change(old_gateway);
    settle();
    change(widen);
    EXPECT(write_bytes(10));
    settle();
}

static void test_mtu(void)
{
    change(shorten);
    EXPECT(write_bytes(1000) && fragments >= 2 && longest <= 614);
    change(lengthen); /* fragments don't come back from the mirror: the segment is sent again */
    settle();
    EXPECT(write_bytes(1000) && fragments == 0 && frames == 1);
    settle();
}

static void test_settings(void)
{
    net_lock();
    ends[0].pcb->ttl = 7;
    ends[0].pcb->tos = 0x10;
    net_unlock();
    EXPECT(write_bytes(10) && last[22] == 7 && last[15] == 0x10);
    unsigned id = get16(last + 18);
    settle();
    EXPECT(write_bytes(10));
    EXPECT((uint16_t)(get16(last + 18) - id) < 10 && get16(last + 18) != id);
    settle();
}

/* Whether TCP's checksum in the last frame is complete. */
static bool adds_up(void)
{
    unsigned len = get16(last + 16) - 20u;
    return fold(sum_words(last + 34, len, sum_words(last + 26, 8, 6 + len))) == 0;
}

/* A host whose card does not make checksums, and back. */
static void test_offloads(void)
{
    EXPECT(write_bytes(10) && !adds_up());
    settle();
    fake_dev.tx_csum = false;
    fake_dev.announce++;
    fake_run();
    EXPECT(write_bytes(10) && adds_up());
    settle();
    fake_dev.tx_csum = true;
    fake_dev.announce++;
    fake_run();
    EXPECT(write_bytes(10) && !adds_up());
    settle();
    net_card_list->netif.tso_max = 0;
}

/* A neighbour that is used stays known for longer than one that is not. */
static void test_age(void)
{
    unsigned asked = 0;

    for (unsigned second = 0; second < 1000; second++) {
        EXPECT(write_bytes(1));
        asked += requests;
        settle();
        fake_sleep(900);
    }
    EXPECT(asked >= 3 && asked < 100);
}

static void test_address(void)
{
    change(other_address);
    EXPECT(ends[0].dead && ends[1].dead);
    change(old_address);
}

int main(void)
{
    ends_start();
    fake_on_sent = look;
    transfer(false, 20000, 1000, &(struct spoiling){ 0 });
    net_card_list->netif.tso_max = 0;
    test_neighbour();
    test_cable();
    test_route();
    test_mtu();
    test_settings();
    test_offloads();
    test_age();
    finish_both();
    transfer(false, 1000, 1000, &(struct spoiling){ 0 });
    test_address();
    finish_both();
    return unit_done();
}
