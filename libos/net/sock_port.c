/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which ports may be bound: Linux's rules for SO_REUSEADDR and SO_REUSEPORT (socket(7);
 * inet_csk_bind_conflict() there), which lwIP's own do not know, and random free ports.
 */
#include "sock.h"

#include <errno.h>

#include <lwip/priv/tcp_priv.h>
#include <lwip/udp.h>

#define PORT_FIRST 32768u /* Linux's ip_local_port_range */
#define PORT_LAST  60999u
#define PORT_TRIES 64

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

static bool tcp_port_used(uint16_t port)
{
    for (unsigned i = 0; i < NUM_TCP_PCB_LISTS; i++) {
        for (struct tcp_pcb *p = *tcp_pcb_lists[i]; p != NULL; p = p->next) {
            if (p->local_port == port) {
                return true;
            }
        }
    }
    return false;
}

static bool udp_port_used(uint16_t port)
{
    for (struct udp_pcb *p = udp_pcbs; p != NULL; p = p->next) {
        if (p->local_port == port) {
            return true;
        }
    }
    return false;
}

static uint16_t random_port(void)
{
    return (uint16_t)(PORT_FIRST + net_rand32() % (PORT_LAST - PORT_FIRST + 1));
}

/*
 * RFC 6056, 3.3.1: random, and from there upwards after some tries. A port that nobody else has is
 * preferred; where all are taken, one whose owner sits at another address or in TIME_WAIT will do.
 */
static uint16_t choose(bool (*used)(uint16_t port))
{
    uint16_t port = random_port();
    for (unsigned i = 0; i < PORT_TRIES; i++) {
        if (!used(port)) {
            return port;
        }
        port = random_port();
    }
    for (unsigned i = 0; i <= PORT_LAST - PORT_FIRST; i++) {
        port = port == PORT_LAST ? PORT_FIRST : (uint16_t)(port + 1);
        if (!used(port)) {
            return port;
        }
    }
    return 0;
}

uint16_t sock_port_random_tcp(const struct sock *s, const ip_addr_t *ip)
{
    (void)s;
    (void)ip;
    return choose(tcp_port_used);
}

uint16_t sock_port_random_udp(const struct sock *s, const ip_addr_t *ip)
{
    (void)s;
    (void)ip;
    return choose(udp_port_used);
}
