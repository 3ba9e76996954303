/* sources: LWIP */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP's short way against the long one: the same two programs over the same bad cable, in a network
 * that changes, once with and once without it. Both send the same segments at the same times, and
 * have counted the same.
 */
#include "unit.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net_ends.h"

#include <lwip/stats.h>

#define EVENTS 200000u

struct event {
    uint64_t when;
    uint32_t what;   /* a hash of what was sent, or a number of the network's change */
    uint32_t len;
};

struct story {
    struct event event[EVENTS];
    unsigned n, failed;
    uint32_t shortly; /* segments that went the short way */
    struct stats_ stats;
};

static struct story *story; /* of this process, in memory that the parent sees */
static bool long_way;

static void note(uint32_t what, uint32_t len)
{
    if (story->n < EVENTS) {
        story->event[story->n++] = (struct event){ fake_now, what, len };
    }
}

/* All of TCP but the IPv4 id, which is random, and the sum that it is in. Other protocols wait at random. */
static void note_sent(const uint8_t *data, unsigned len)
{
    uint32_t hash = 2166136261u;

    if (data[data[12] == 8 ? 23 : 20] != 6) {
        mirror_sent(data, len);
        return;
    }

    for (unsigned i = 0; i < len; i++) {
        bool random = data[12] == 8 && data[13] == 0 && (i == 18 || i == 19 || i == 24 || i == 25);
        hash = (hash ^ (random ? 0 : data[i])) * 16777619u;
    }
    note(hash, len);
    mirror_sent(data, len);
}

/* What was learnt holds no more, so each segment goes the long way. */
static void forget(void)
{
    if (long_way) {
        NET_PATHS_CHANGED();
    }
}

static void change_weather(void)
{
    struct netif *n = &net_card_list->netif;
    ip4_addr_t a;

    forget();
    unsigned kind = chance(3000);
    switch (kind) {
    case 0:
        netif_set_link_down(n);
        break;
    case 1:
        netif_set_down(n);
        break;
    case 2:
    case 3:
        IP4_ADDR(&a, 255, 255, 255, chance(2) ? 0 : 254); /* the neighbour is behind the gateway */
        netif_set_netmask(n, &a);
        break;
    case 4:
        IP4_ADDR(&a, 10, 0, 0, chance(2) ? 1 : 9); /* or nobody is there */
        netif_set_gw(n, &a);
        break;
    default:
        if (kind > 40) {
            return;
        }
        netif_set_up(n);
        netif_set_link_up(n);
    }
    note(kind, 0);
}

/* One child's life. */
static void live(bool plain, bool v6)
{
    unsigned failed_before = unit_failed;

    mirror_plain = plain;
    fake_batch = 1;
    fake_before = forget;
    ends_start();
    fake_on_sent = note_sent;
    mirror_acquaint();
    fake_sleep(3000);
    EXPECT(net_card_list->netif.tso_max == 65393);
    nocopy = 3;
    static const struct spoiling how[] = {
        { 0 },
        { .loss = 10, .swap = 20, .twice = 10 },
        { .loss = 1, .damage = 30 },
        { .loss = 1, .swap = 2 },
        { .loss = 5, .swap = 2 },
    };
    for (unsigned i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
        weather = i == 3 ? change_weather : forget;
        struct spoiling s = how[i];
        s.damage = plain ? s.damage : 0;
        chatty = i == 4;
        transfer(v6, chatty ? 100000 : 400000, chatty ? 150000 : i == 1 ? 20000 : 300000, &s);
        weather = NULL;
        netif_set_up(&net_card_list->netif);
        netif_set_link_up(&net_card_list->netif);
        finish_both();
        EXPECT(fake_dev.rx_lent == 0);
    }
    story->shortly = lwip_stats.tcp.cachehit;
    lwip_stats.tcp.cachehit = 0;
    lwip_stats.etharp.cachehit = 0;
    lwip_stats.nd6.cachehit = 0; /* the long way tells a neighbour's reachability twice */
    story->stats = lwip_stats;
    story->failed = unit_failed - failed_before;
}

static void run(struct story *s, bool longly, bool plain, bool v6)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        story = s;
        long_way = longly;
        live(plain, v6);
        fflush(stdout);
        _exit(0);
    }
    int status = -1;
    EXPECT(waitpid(child, &status, 0) == child && status == 0 && s->failed == 0);
}

static void compare(const struct story *a, const struct story *b)
{
    unsigned i = 0;

    EXPECT(a->n == b->n && a->n < EVENTS);
    while (i < a->n && i < b->n && a->event[i].when == b->event[i].when &&
           a->event[i].what == b->event[i].what && a->event[i].len == b->event[i].len) {
        i++;
    }
    if (i < a->n || i < b->n) {
        printf("different from event %u of %u and %u: %u bytes at %llu, %u bytes at %llu\n", i, a->n, b->n,
               a->event[i].len, (unsigned long long)a->event[i].when, b->event[i].len,
               (unsigned long long)b->event[i].when);
    }
    EXPECT(i == a->n);
    const uint32_t *x = (const void *)&a->stats, *y = (const void *)&b->stats;
    for (unsigned j = 0; j < sizeof(a->stats) / 4; j++) {
        if (x[j] != y[j]) {
            printf("counter %u: %u and %u\n", j, x[j], y[j]);
        }
        EXPECT(x[j] == y[j]);
    }
}

int main(void)
{
    struct story *both = mmap(NULL, 2 * sizeof(*both), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    EXPECT(both != MAP_FAILED);
    for (unsigned kind = 0; kind < 4; kind++) {
        bool plain = kind & 1, v6 = kind & 2;
        memset(both, 0, 2 * sizeof(*both));
        run(&both[0], false, plain, v6);
        run(&both[1], true, plain, v6);
        printf("IPv%c, %s card: %u events, %u of %u segments came the short way\n", v6 ? '6' : '4',
               plain ? "plain" : "good", both[0].n, both[0].shortly, both[0].stats.tcp.recv);
        EXPECT(both[1].shortly == 0 && both[0].shortly > both[0].stats.tcp.recv / 4);
        compare(&both[0], &both[1]);
    }
    return unit_done();
}
