/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which ports may be bound: Linux's rules for SO_REUSEADDR and SO_REUSEPORT (socket(7);
 * inet_csk_bind_conflict() there), which lwIP's own do not know, and the choice of free ports.
 */
#include "sock.h"

#include <errno.h>
#include <string.h>

#include <lwip/priv/tcp_priv.h>
#include <lwip/udp.h>

#include <pith/random.h>

#include "siphash.h"

#define PORT_FIRST 32768u /* Linux's ip_local_port_range */
#define PORTS      28232u
#define COUNTERS   1024u

/* All under net_lock. */
static uint8_t taken[(PORTS + 7) / 8]; /* a bit for each port, while one is chosen */
static uint16_t counters[COUNTERS];    /* of destinations, by their hash */
static uint64_t key[2];                /* of the hash; made when it is needed first */
static bool keyed;

/* Could a packet go to either? IPADDR_TYPE_ANY is both families' wildcard. */
static bool overlap(const ip_addr_t *a, const ip_addr_t *b)
{
    if (IP_IS_ANY_TYPE_VAL(*a) || IP_IS_ANY_TYPE_VAL(*b)) {
        return true;
    }
    if (IP_GET_TYPE(a) != IP_GET_TYPE(b)) {
        return false;
    }
    return ip_addr_isany(a) || ip_addr_isany(b) || ip_addr_eq(a, b);
}

/* May two share a port? `listening`: the one that is there, or the new one, listens. */
static bool may_share(unsigned mine, unsigned its, bool listening)
{
    if ((mine & its & SOCK_OPT_REUSEPORT) != 0) {
        return true;
    }
    return (mine & its & SOCK_OPT_REUSEADDR) != 0 && !listening;
}

int sock_port_check_tcp(const struct sock *s, const struct sock_end *end, bool listening)
{
    for (unsigned i = 0; i < NUM_TCP_PCB_LISTS; i++) {
        for (struct tcp_pcb *p = *tcp_pcb_lists[i]; p != NULL; p = p->next) {
            if (p->local_port != end->port || !overlap(&p->local_ip, &end->ip) ||
                p->callback_arg == s) {
                continue;
            }
            bool is_listener = p->state == LISTEN;
            /* listen() looks for other listeners only: the bound port was checked before. */
            if (listening ? is_listener && !may_share(s->so_options, p->so_options, true)
                          : !may_share(s->so_options, p->so_options, is_listener)) {
                return -EADDRINUSE;
            }
        }
    }
    return 0;
}

int sock_port_check_udp(const struct sock *s, const struct sock_end *end)
{
    for (struct udp_pcb *p = udp_pcbs; p != NULL; p = p->next) {
        if (p->local_port == end->port && overlap(&p->local_ip, &end->ip) && p->recv_arg != s &&
            !may_share(s->so_options, p->so_options, false)) {
            return -EADDRINUSE;
        }
    }
    return 0;
}

static void take(uint16_t port)
{
    if (port >= PORT_FIRST && port < PORT_FIRST + PORTS) {
        unsigned i = port - PORT_FIRST;
        taken[i / 8] |= (uint8_t)(1u << i % 8);
    }
}

/* Mark the ports of these lists, of lwIP's, in `taken`. */
static void take_lists(unsigned n)
{
    memset(taken, 0, sizeof(taken));
    for (unsigned i = 0; i < n; i++) {
        for (struct tcp_pcb *p = *tcp_pcb_lists[i]; p != NULL; p = p->next) {
            take(p->local_port);
        }
    }
}

/*
 * How far from `start` the first one is that is not marked, and from which nobody is connected to
 * `to` (NULL: that does not matter), TIME_WAIT included; PORTS: there is none. Both count from
 * PORT_FIRST.
 */
static unsigned find_free(unsigned start, const ip_addr_t *src, const struct sock_end *to)
{
    for (unsigned n = 0; n < PORTS; n++) {
        unsigned i = (start + n) % PORTS;
        if ((taken[i / 8] >> i % 8 & 1) == 0 &&
            (to == NULL || !net_tcp_taken(src, (uint16_t)(PORT_FIRST + i), &to->ip, to->port))) {
            return n;
        }
    }
    return PORTS;
}

/* RFC 6056, 3.3.1: a random one, and from there upwards. */
static uint16_t choose_random(void)
{
    unsigned start = net_rand32() % PORTS;
    unsigned n = find_free(start, NULL, NULL);
    return n == PORTS ? 0 : (uint16_t)(PORT_FIRST + (start + n) % PORTS);
}

uint16_t sock_port_random_tcp(void)
{
    take_lists(NUM_TCP_PCB_LISTS); /* what anybody has */
    return choose_random();
}

uint16_t sock_port_random_udp(void)
{
    memset(taken, 0, sizeof(taken));
    for (struct udp_pcb *p = udp_pcbs; p != NULL; p = p->next) {
        take(p->local_port);
    }
    return choose_random();
}

static uint64_t hash_ends(const ip_addr_t *src, const struct sock_end *to)
{
    struct {
        uint32_t src[4], to[4];
        uint32_t port;
    } ends = { .port = to->port };

    if (!keyed) {
        random_bytes(key, sizeof(key));
        keyed = true;
    }
    if (IP_IS_V4(&to->ip)) {
        ends.src[0] = ip_2_ip4(src)->addr;
        ends.to[0] = ip_2_ip4(&to->ip)->addr;
    } else {
        memcpy(ends.src, ip_2_ip6(src)->addr, sizeof(ends.src));
        memcpy(ends.to, ip_2_ip6(&to->ip)->addr, sizeof(ends.to));
    }
    return siphash24(key, &ends, sizeof(ends));
}

/*
 * RFC 6056, 3.3.4, as inet_hash_connect() of Linux: the ports for one destination begin where a
 * secret hash says, and go on by a counter that it shares with few others. So a port comes again
 * when all have had their turn. A random one comes again within a second: then the other end may
 * still have the old connection in TIME_WAIT, and refuses a SYN that is within its window.
 * One of sixteen is left out at random, so that a counter tells less of how often others connect.
 */
uint16_t sock_port_connect_tcp(const ip_addr_t *src, const struct sock_end *to)
{
    uint64_t hash = hash_ends(src, to);
    uint16_t *counter = &counters[(hash >> 32) % COUNTERS];
    unsigned start = ((uint32_t)hash % PORTS + *counter) % PORTS;

    take_lists(2); /* what is bound or listened at */
    unsigned n = find_free(start, src, to);
    if (n == PORTS) {
        return 0;
    }
    *counter = (uint16_t)((*counter + n + 1 + (net_rand32() % 16 == 0)) % PORTS);
    return (uint16_t)(PORT_FIRST + (start + n) % PORTS);
}
