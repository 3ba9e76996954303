/* sources: LWIP */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A flood of SYNs that seem to come from many neighbours, of whom none is there: who is there is
 * answered all the time, and the stack itself makes no flood of questions.
 */
#include "unit.h"

#include "fake_net.h"
#include "net_frames.h"
#include "no_sockets.h"

#include <lwip/opt.h>

#include <lwip/tcp.h>

#include "net.h"

#define PORT  7u
#define SYNS  2000u
#define NAMES 150u /* made-up neighbours: more than a table has entries */

static unsigned asked, answered; /* ARP requests and solicitations; echo replies */

static const char *fake_option(const char *name)
{
    return strcmp(name, "ip") == 0    ? "10.0.0.2/24,gw=10.0.0.1"
           : strcmp(name, "ip6") == 0 ? "2001:db8::2/64,gw=2001:db8::1"
                                      : NULL;
}

static void on_sent(const uint8_t *data, unsigned len)
{
    unsigned kind = get16(data + 12);
    EXPECT(len >= 42);
    asked += (kind == 0x0806 && get16(data + 20) == 1) ||
             (kind == 0x86dd && data[20] == 58 && data[54] == 135);
    answered += (kind == 0x0800 && data[23] == 1 && data[34] == 0) ||
                (kind == 0x86dd && data[20] == 58 && data[54] == 129);
}

static void give(const struct frame *f)
{
    EXPECT(fake_arrive(f->data, f->len, 0, 0));
    fake_run();
}

/* A SYN of the n-th made-up neighbour. */
static void give_syn(bool v6, unsigned n)
{
    struct frame f;
    make_tcp(&f, v6, 1024 + n, PORT, n * 1000, 0, 2, "", 0, 0);
    f.data[v6 ? 37 : 29] = (uint8_t)(100 + n % NAMES);
    finish(&f);
    give(&f);
}

static void test_flood(bool v6)
{
    struct frame f;
    unsigned echoes = 0;

    make_arp(&f, 1); /* the honest one makes itself known */
    give(&f);
    make_echo(&f, true, 8);
    give(&f);
    make_na(&f);
    give(&f);
    asked = answered = 0;
    for (unsigned i = 0; i < SYNS; i++) {
        give_syn(v6, i);
        fake_now += 1000000;
        if (i % 20 == 0) {
            make_echo(&f, v6, 8);
            give(&f);
            echoes++;
        }
    }
    EXPECT(answered == echoes);
    fake_sleep(3000);
    /* For each answer to a SYN, and when it is sent again after one and three seconds; and a few. */
    EXPECT(asked > NAMES && asked < 3 * SYNS + 500);
    make_echo(&f, v6, 8);
    give(&f);
    EXPECT(answered == echoes + 1);
    printf("%u questions for %u SYNs\n", asked, SYNS);
}

int main(void)
{
    fake_on_sent = on_sent;
    EXPECT(net_start() == 0 && fake_engine != NULL);
    net_lock();
    struct tcp_pcb *t = tcp_new_ip_type(IPADDR_TYPE_ANY);
    EXPECT(tcp_bind(t, IP_ANY_TYPE, PORT) == ERR_OK && tcp_listen(t) != NULL);
    net_unlock();
    fake_sleep(3000);
    test_flood(false);
    fake_sleep(30000); /* the half-open connections end */
    test_flood(true);
    return unit_done();
}
