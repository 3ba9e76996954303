/* sources: LWIP */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stack while its card is moved to another host, is removed and comes back: addresses are
 * announced, connections end, what was received stays readable, nothing is left.
 */
#include "unit.h"

#include "fake_net.h"
#include "net_frames.h"
#include "no_sockets.h"

#include <lwip/opt.h>

#include <lwip/tcp.h>

#include <lwip_hooks.h>

#include "net.h"
#include "net_card.h"
#include "net_memory.h"

#define PORT 7u

static unsigned arps, advertisements, others; /* unasked and about us; all else */
static uint32_t their_seq;
static struct pbuf *unread;
static err_t told = ERR_OK;

static const char *fake_option(const char *name)
{
    return strcmp(name, "ip") == 0    ? "10.0.0.2/24,gw=10.0.0.1,dns=10.0.0.1"
           : strcmp(name, "ip6") == 0 ? "2001:db8::2/64,gw=2001:db8::1"
                                      : NULL;
}

static void on_sent(const uint8_t *data, unsigned len)
{
    unsigned type = get16(data + 12);
    if (type == 0x0806 && memcmp(data + 28, our_ip, 4) == 0 && memcmp(data + 38, our_ip, 4) == 0) {
        EXPECT(data[0] == 0xff && memcmp(data + 22, fake_dev.mac, 6) == 0);
        arps++;
    } else if (type == 0x86dd && data[20] == 58 && data[54] == 136 && data[38] == 0xff) {
        struct frame f = { .len = len };
        memcpy(f.data, data, len);
        finish(&f); /* the checksum, too */
        EXPECT(memcmp(f.data, data, len) == 0 && len == 86 && data[21] == 255);
        EXPECT(memcmp(data + 22, data + 62, 16) == 0); /* from the address that it is about */
        EXPECT(data[58] == 0x20 && memcmp(data + 80, fake_dev.mac, 6) == 0);
        advertisements++;
    } else {
        others++;
        if (type == 0x0800 && data[23] == 6) {
            their_seq = get32(data + 38);
        }
    }
}

static void give(const struct frame *f)
{
    EXPECT(fake_arrive(f->data, f->len, 0, 0));
    fake_run();
}

/* ---- the program: it takes what comes and does not read it ---- */

static err_t tcp_data(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)arg;
    (void)pcb;
    EXPECT(err == ERR_OK && p != NULL && unread == NULL);
    unread = p;
    return ERR_OK;
}

static void tcp_ends(void *arg, err_t err)
{
    (void)arg;
    told = err;
}

static err_t tcp_come(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    (void)err;
    tcp_recv(pcb, tcp_data);
    tcp_err(pcb, tcp_ends);
    return ERR_OK;
}

static void program(void)
{
    net_lock();
    struct tcp_pcb *t = tcp_new_ip_type(IPADDR_TYPE_ANY);
    EXPECT(tcp_bind(t, IP_ANY_TYPE, PORT) == ERR_OK);
    tcp_accept(tcp_listen(t), tcp_come);
    net_unlock();
}

/* A connection with data that nobody has read. */
static void connect_and_send(void)
{
    struct frame f;

    make_arp(&f, 1);
    give(&f);
    make_tcp(&f, false, 4001, PORT, 1000, 0, 2, "", 0, 0);
    give(&f);
    make_tcp(&f, false, 4001, PORT, 1001, their_seq + 1, 0x10, "", 0, 0);
    give(&f);
    make_tcp(&f, false, 4001, PORT, 1001, their_seq + 1, 0x18, "", 0, 10);
    give(&f);
    EXPECT(unread != NULL && unread->len == 10);
}

static void test_announce(void)
{
    fake_run();
    arps = advertisements = 0;
    fake_dev.announce++;
    fake_run();
    EXPECT(arps == 1 && advertisements == 2); /* link-local, and the one given */
    fake_run();
    EXPECT(arps == 1 && advertisements == 2);
    /* With the link down it waits. */
    fake_dev.link_up = false;
    fake_dev.announce++;
    fake_run();
    EXPECT(arps == 1);
    fake_dev.link_up = true;
    fake_run();
    EXPECT(arps >= 2);
}

static void test_removal(unsigned cycle)
{
    connect_and_send();
    told = ERR_OK;
    fake_dev.gone = fake_dev.failed = true;
    fake_dev.link_up = false;
    fake_reap(&fake_dev); /* the driver has finished what was on its way */
    unsigned sent = fake_sent;
    fake_run();
    EXPECT(told == ERR_ABRT && net_card_list == NULL);
    EXPECT(fake_dev.claimed_by != NULL && fake_dev.rx_lent == 1);
    fake_sleep(500); /* timers find no interface */
    fake_reap(&fake_dev); /* good-byes that went to the queue before */
    EXPECT(fake_sent - sent < 8);
    EXPECT(((uint8_t *)unread->payload)[0] == 0x66);
    net_lock();
    pbuf_free(unread);
    unread = NULL;
    net_unlock();
    EXPECT(fake_dev.claimed_by == NULL && fake_dev.rx_lent == 0);
    /* Another one in its place. */
    fake_dev.gone = fake_dev.failed = false;
    fake_dev.link_up = true;
    fake_dev.serial++;
    fake_dev.mac[5] = (uint8_t)cycle;
    arps = 0;
    fake_came();
    fake_run();
    EXPECT(fake_dev.claimed_by != NULL && net_card_list != NULL && arps == 1);
    fake_sleep(2500);
}

/* Reports and retries are over, and what was sent has come back. */
static void settle(void)
{
    fake_sleep(20000);
    fake_reap(&fake_dev);
    fake_run();
}

int main(void)
{
    struct net_memory_stats before, after;

    fake_on_sent = on_sent;
    EXPECT(net_start() == 0 && fake_engine != NULL);
    program();
    fake_sleep(3000);
    test_announce();
    for (unsigned cycle = 0; cycle < 60; cycle++) {
        test_removal(cycle);
        if (cycle == 9) {
            settle();
            net_memory_stats(&before);
        }
    }
    settle();
    net_memory_stats(&after);
    EXPECT(after.used == before.used);
    EXPECT(others > 0);
    return unit_done();
}
