/* sources: libos/net/net_tcp_lists.c LWIP_HEADERS */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lists of TCP connections and their hash, against a plain array: what is there is found, what
 * is not isn't, the order is right, and chains stay short whatever addresses come.
 */
#include "unit.h"

#include <stdbool.h>

#include <lwip/opt.h>

#include <lwip/priv/tcp_priv.h>

#define MANY  10000u
#define STEPS 60000u

struct tcp_pcb *tcp_bound_pcbs, *tcp_active_pcbs, *tcp_tw_pcbs;
union tcp_listen_pcbs_t tcp_listen_pcbs;
const ip_addr_t ip_addr_any, ip_addr_any_type;

uint32_t tcp_ticks;
static uint64_t seed = 11;
static bool no_memory;

void *heap_alloc(size_t size) { return no_memory ? NULL : malloc(size); }
void heap_free(void *p) { free(p); }
void tcp_timer_needed(void) { }
void net_tcp_tick_start(struct tcp_pcb *pcb) { pcb->tick = NET_TCP_TICKED; }
void net_tcp_tick_stop(struct tcp_pcb *pcb) { pcb->tick = NET_TCP_STILL; }

void random_bytes(void *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        ((uint8_t *)buf)[i] = (uint8_t)(unit_random(&seed) >> 20);
    }
}

static unsigned below(unsigned n)
{
    return (unsigned)(unit_random(&seed) >> 16) % n;
}

static struct tcp_pcb all[MANY];
static struct tcp_pcb **list_of[MANY]; /* NULL: on none */

static struct tcp_pcb *find(const struct tcp_pcb *p, unsigned netif)
{
    struct tcp_pcb *pcb =
        net_tcp_find(&p->local_ip, p->local_port, &p->remote_ip, p->remote_port, netif);

    if (IP_IS_V4(&p->remote_ip)) {
        EXPECT(net_tcp_find4(ip_2_ip4(&p->local_ip)->addr, p->local_port,
                             ip_2_ip4(&p->remote_ip)->addr, p->remote_port, netif) == pcb);
    }
    return pcb;
}

static bool taken(const struct tcp_pcb *p)
{
    return net_tcp_taken(&p->local_ip, p->local_port, &p->remote_ip, p->remote_port);
}

/* The i-th connection: no two are the same. */
static void make(unsigned i)
{
    struct tcp_pcb *p = &all[i];
    if (i % 3 == 0) {
        IP_ADDR6_HOST(&p->remote_ip, 0x20010db8, 0, i, i / 64);
        IP_ADDR6_HOST(&p->local_ip, 0x20010db8, 0, 0, 2);
    } else {
        IP_ADDR4(&p->remote_ip, 10, 0, (i >> 8) & 0xff, i & 0xff);
        IP_ADDR4(&p->local_ip, 10, 1, 0, 2);
    }
    p->local_port = 80;
    p->remote_port = (uint16_t)(1024 + i % 7);
    p->netif_idx = NETIF_NO_INDEX;
}

static bool on_list(struct tcp_pcb *const *list, const struct tcp_pcb *wanted)
{
    bool found = false;
    const struct tcp_pcb *before = NULL;
    for (const struct tcp_pcb *p = *list; p != NULL; before = p, p = p->next) {
        EXPECT(p->pprev == (before == NULL ? list : &before->next));
        found |= p == wanted;
    }
    return found;
}

static void add(unsigned i, struct tcp_pcb **list)
{
    all[i].state = list == &tcp_tw_pcbs ? TIME_WAIT : ESTABLISHED;
    net_tcp_list_add(list, &all[i]);
    list_of[i] = list;
}

static void take_off(unsigned i)
{
    net_tcp_list_remove(list_of[i], &all[i]);
    EXPECT(all[i].next == NULL && all[i].pprev == NULL);
    net_tcp_list_remove(list_of[i], &all[i]); /* once more does nothing */
    list_of[i] = NULL;
}

static void test_random(void)
{
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned i = below(step < STEPS / 2 ? MANY / 8 : MANY);
        no_memory = step > STEPS / 3 && step < STEPS / 2;
        if (list_of[i] == NULL) {
            add(i, below(2) ? &tcp_active_pcbs : &tcp_tw_pcbs);
        } else if (list_of[i] == &tcp_active_pcbs && below(2)) {
            take_off(i);
            add(i, &tcp_tw_pcbs); /* it was closed */
        } else {
            take_off(i);
        }
        EXPECT(find(&all[i], 1) == (list_of[i] != NULL ? &all[i] : NULL));
        unsigned k = below(MANY);
        EXPECT(find(&all[k], 1) == (list_of[k] != NULL ? &all[k] : NULL));
        EXPECT(taken(&all[k]) == (list_of[k] != NULL));
        if (step % 5000 == 0) {
            EXPECT(on_list(&tcp_active_pcbs, &all[i]) == (list_of[i] == &tcp_active_pcbs));
            EXPECT(on_list(&tcp_tw_pcbs, &all[i]) == (list_of[i] == &tcp_tw_pcbs));
        }
    }
    no_memory = false;
}

static void take_all_off(void)
{
    for (unsigned i = 0; i < MANY; i++) {
        if (list_of[i] != NULL) {
            take_off(i);
        }
        EXPECT(find(&all[i], 1) == NULL && !taken(&all[i]));
    }
    EXPECT(tcp_active_pcbs == NULL && tcp_tw_pcbs == NULL);
}

/* The first in TIME_WAIT is the oldest, whatever leaves in between. */
static void test_order(void)
{
    for (unsigned i = 0; i < 100; i++) {
        add(i, &tcp_tw_pcbs);
    }
    take_off(99);
    take_off(50);
    add(50, &tcp_tw_pcbs);
    for (unsigned i = 0; i < 99; i++) {
        if (i != 50) {
            EXPECT(tcp_tw_pcbs == &all[i]);
            take_off(i);
        }
    }
    EXPECT(tcp_tw_pcbs == &all[50]);
    take_off(50);
    EXPECT(tcp_tw_pcbs == NULL);
    add(1, &tcp_tw_pcbs);
    EXPECT(tcp_tw_pcbs == &all[1]);
    take_off(1);
}

static unsigned longest(void)
{
    unsigned most = 0;
    for (unsigned i = 0; i < MANY; i++) {
        unsigned n = 0;
        for (const struct tcp_pcb *p = &all[i]; p != NULL; p = p->hash_next) {
            n++;
        }
        most = n > most ? n : most;
    }
    return most;
}

/* Addresses in a row, ports in a row, powers of two: by chance the longest chain has about 8. */
static void test_chains(void)
{
    for (unsigned kind = 0; kind < 4; kind++) {
        for (unsigned i = 0; i < MANY; i++) {
            struct tcp_pcb *p = &all[i];
            p->local_port = 443;
            p->remote_port = (uint16_t)(kind == 0 ? i + 1 : kind == 1 ? i << 2 : 4242);
            if (kind == 3) {
                IP_ADDR6_HOST(&p->local_ip, 1, 2, 3, 4);
                IP_ADDR6_HOST(&p->remote_ip, 5, i << 16, 6, 7);
            } else {
                IP_ADDR4(&p->local_ip, 10, 0, 0, 1);
                IP_ADDR4(&p->remote_ip, 10, 0, 0, 2);
            }
            if (kind == 1) {
                p->local_port = (uint16_t)(i >> 14); /* the low bits of the ports say little */
            } else if (kind == 2) {
                ip_2_ip4(&p->remote_ip)->addr = lwip_htonl(i << 18);
            }
            add(i, &tcp_active_pcbs);
        }
        EXPECT(longest() <= 14);
        for (unsigned i = 0; i < MANY; i++) {
            take_off(i);
        }
    }
}

/* One that is bound to an interface hears only of that. */
static void test_interface(void)
{
    make(1);
    all[1].netif_idx = 2;
    add(1, &tcp_active_pcbs);
    EXPECT(find(&all[1], 2) == &all[1] && find(&all[1], 1) == NULL && taken(&all[1]));
    take_off(1);
}

static bool listens(uint16_t port, const struct tcp_pcb *wanted)
{
    for (const struct tcp_pcb *p = net_tcp_listeners(port); p != NULL; p = p->hash_next) {
        if (p == wanted) {
            return true;
        }
    }
    return false;
}

static void test_listeners(void)
{
    static struct tcp_pcb_listen l[100];
    for (unsigned i = 0; i < 100; i++) {
        l[i].state = LISTEN;
        l[i].local_port = (uint16_t)(80 + i / 2);
        net_tcp_list_add(&tcp_listen_pcbs.pcbs, (struct tcp_pcb *)&l[i]);
    }
    for (unsigned i = 0; i < 100; i++) {
        EXPECT(listens(l[i].local_port, (struct tcp_pcb *)&l[i]));
        net_tcp_list_remove(&tcp_listen_pcbs.pcbs, (struct tcp_pcb *)&l[i]);
        EXPECT(!listens(l[i].local_port, (struct tcp_pcb *)&l[i]));
    }
    EXPECT(tcp_listen_pcbs.pcbs == NULL);
}

int main(void)
{
    for (unsigned i = 0; i < MANY; i++) {
        make(i);
    }
    test_order();
    test_random();
    take_all_off();
    test_listeners();
    test_chains();
    test_interface();
    return unit_done();
}
