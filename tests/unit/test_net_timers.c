/* sources: LWIP */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the stack counts by the second: it wakes each second only while frames come and go, and what
 * grows old does so as fast when it is quiet.
 */
#include "unit.h"

#include "fake_net.h"
#include "net_frames.h"
#include "no_sockets.h"

#include <lwip/opt.h>

#include <lwip/etharp.h>

#include "net.h"
#include "net_card.h"

static unsigned questions;  /* ARP requests that the stack has sent */
static unsigned questions6; /* neighbour solicitations that were not for an address of its own */

static const char *fake_option(const char *name)
{
    return strcmp(name, "ip") == 0    ? "10.0.0.2/24"
           : strcmp(name, "ip6") == 0 ? "2001:db8::2/64"
                                      : NULL;
}

static void on_sent(const uint8_t *data, unsigned len)
{
    (void)len;
    questions += get16(data + 12) == 0x0806 && get16(data + 20) == 1;
    questions6 += get16(data + 12) == 0x86dd && data[20] == 58 && data[54] == 135 && data[77] == 9;
}

/* Seconds until the stack wants to be called again; what has come or is due is done. */
static double sleeps(void)
{
    uint64_t next;
    while ((next = fake_engine->work()) == 0) {
    }
    return next == UINT64_MAX ? 1e9 : (double)(next - fake_now) / 1e9;
}

/* As an idle machine does: sleep until the next time, for this long; returns how often it woke. */
static unsigned doze(unsigned seconds)
{
    uint64_t until = fake_now + seconds * 1000000000ull;
    unsigned times = 0;
    while (fake_now < until) {
        double s = sleeps();
        fake_now += (uint64_t)(s * 1e9) + 1;
        times++;
    }
    sleeps();
    return times;
}

static bool knows_peer(void)
{
    struct eth_addr *mac;
    const ip4_addr_t *ip;
    ip4_addr_t peer;
    IP4_ADDR(&peer, 10, 0, 0, 1);
    return etharp_find_addr(&net_card_list->netif, &peer, &mac, &ip) >= 0;
}

static void hear(void)
{
    struct frame f;
    make_arp(&f, 1);
    EXPECT(fake_arrive(f.data, f.len, 0, 0));
}

static void test_wakes(void)
{
    doze(60);
    EXPECT(doze(1000) <= 1000 / 10 + 2);
    hear();
    EXPECT(sleeps() <= 1);
    unsigned busy = doze(5);
    EXPECT(busy >= 4 && busy <= 8);
    doze(30);
    EXPECT(doze(100) <= 12);
}

/* An entry goes after five minutes, quiet or not. */
static void test_ages(void)
{
    doze(100);
    hear();
    sleeps();
    EXPECT(knows_peer());
    doze(270);
    EXPECT(knows_peer());
    doze(60);
    EXPECT(!knows_peer());
}

/* A question of a thread that sends, and wakes the engine by net_unlock(), is asked again in time. */
static void test_asks_again(void)
{
    ip4_addr_t peer;
    IP4_ADDR(&peer, 10, 0, 0, 9);
    doze(100);
    unsigned before = questions, kicks = fake_kicks;
    net_lock();
    EXPECT(etharp_query(&net_card_list->netif, &peer, NULL) == ERR_OK);
    net_unlock();
    EXPECT(questions == before + 1 && fake_kicks > kicks && sleeps() <= 1);
    doze(3);
    EXPECT(questions >= before + 3);
}

/* The same for a neighbour by IPv6, also when the table has been empty for long; it is given up after a while. */
static void test_asks_again6(void)
{
    for (unsigned turn = 0; turn < 2; turn++) {
        ip6_addr_t peer;
        const u8_t *mac;
        IP6_ADDR(&peer, PP_HTONL(0x20010db8), 0, 0, PP_HTONL(9));
        struct pbuf *p = pbuf_alloc(PBUF_IP, 60, PBUF_RAM);
        doze(100);
        unsigned before = questions6;
        net_lock();
        nd6_get_next_hop_addr_or_queue(&net_card_list->netif, p, &peer, &mac);
        net_unlock();
        pbuf_free(p);
        EXPECT(questions6 == before + 1);
        doze(3);
        EXPECT(questions6 == before + 3);
        doze(100);
        EXPECT(questions6 == before + 3);
    }
}

/* A machine that was stopped for an hour has not grown an hour older. */
static void test_stopped(void)
{
    doze(100);
    hear();
    doze(60);
    fake_now += 3600000000000ull;
    sleeps();
    doze(100);
    EXPECT(knows_peer());
}

int main(void)
{
    fake_on_sent = on_sent;
    EXPECT(net_start() == 0 && fake_engine != NULL);
    (void)fake_sleep;
    test_wakes();
    test_ages();
    test_asks_again();
    test_asks_again6();
    test_stopped();
    return unit_done();
}
