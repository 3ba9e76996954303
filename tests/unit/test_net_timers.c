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

static unsigned questions; /* ARP requests that the stack has sent */

static const char *fake_option(const char *name)
{
    return strcmp(name, "ip") == 0    ? "10.0.0.2/24"
           : strcmp(name, "ip6") == 0 ? "off"
                                      : NULL;
}

static void on_sent(const uint8_t *data, unsigned len)
{
    (void)len;
    questions += get16(data + 12) == 0x0806 && get16(data + 20) == 1;
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
    test_stopped();
    return unit_done();
}
