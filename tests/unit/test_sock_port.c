/* sources: libos/net/sock_port.c LWIP */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The choice of ports: none comes again soon for the same destination, none that is in use. */
#include "unit.h"

#include "fake_net.h"
#include "no_sockets.h"

#include <lwip/opt.h>

#include <lwip/priv/tcp_priv.h>
#include <lwip/udp.h>

#include "net.h"
#include "sock.h"

#define PORT_FIRST 32768u
#define PORT_LAST  60999u
#define PORTS      (PORT_LAST - PORT_FIRST + 1)
#define MANY       20000u /* connections to one destination, without a port twice */

static uint8_t seen[65536];

static const char *fake_option(const char *name)
{
    return strcmp(name, "ip") == 0 ? "10.0.0.2/24,gw=10.0.0.1" : NULL;
}

static ip_addr_t address(bool v6, unsigned last)
{
    ip_addr_t ip;
    if (v6) {
        IP_ADDR6_HOST(&ip, 0x20010db8, 0, 0, last);
    } else {
        IP_ADDR4(&ip, 10, 0, 0, last);
    }
    return ip;
}

static struct sock_end end_of(bool v6, unsigned last, uint16_t port)
{
    struct sock_end end = { .ip = address(v6, last), .port = port };
    return end;
}

static uint16_t connect_to(const struct sock_end *to)
{
    ip_addr_t src = address(IP_IS_V6_VAL(to->ip), 2);
    uint16_t port = sock_port_connect_tcp(&src, to);
    EXPECT(port >= PORT_FIRST && port <= PORT_LAST);
    return port;
}

/* Each connection is closed at once and nothing of it is left here: only the other end remembers. */
static void test_again(bool v6)
{
    struct sock_end to = end_of(v6, 1, 80), other = end_of(v6, 3, 80);
    unsigned twice = 0, others = 0;

    memset(seen, 0, sizeof(seen));
    for (unsigned i = 0; i < MANY; i++) {
        twice += seen[connect_to(&to)]++;
        if (i % 100 == 0) {
            connect_to(&other);
            others++;
        }
    }
    EXPECT(twice == 0 && others == MANY / 100);
    /* All get their turn: nearly each in the next round. */
    unsigned used = 0;
    for (unsigned i = 0; i < PORTS; i++) {
        seen[connect_to(&to)] = 1;
    }
    for (unsigned i = 0; i < 65536; i++) {
        used += seen[i] != 0;
    }
    EXPECT(used > PORTS / 10 * 9);
}

/* Where one destination's ports begin says nothing of another's. */
static void test_apart(void)
{
    unsigned near = 0;
    for (unsigned i = 0; i < 200; i++) {
        struct sock_end a = end_of(false, 1, (uint16_t)(1000 + i));
        struct sock_end b = end_of(false, 1, (uint16_t)(1001 + i));
        int apart = connect_to(&b) - connect_to(&a);
        near += apart > -100 && apart < 100;
    }
    EXPECT(near < 20);
}

static struct tcp_pcb *pcb_at(enum tcp_state state, uint16_t port, const struct sock_end *to)
{
    struct tcp_pcb *p = calloc(1, sizeof(*p)); /* tcp_new() has a limit that is no matter here */
    p->local_port = port;
    p->state = state;
    if (state != CLOSED) {
        p->local_ip = address(false, 2);
        p->remote_ip = to->ip;
        p->remote_port = to->port;
    }
    return p;
}

/* An end that has all ports but one gets that one; another end may have any that is not bound. */
static void test_taken(void)
{
    static struct tcp_pcb *pcbs[PORTS];
    struct sock_end to = end_of(false, 1, 443), other = end_of(false, 1, 444);
    ip_addr_t src = address(false, 2);
    const unsigned free_one = 12345;

    for (unsigned i = 0; i < PORTS; i++) {
        if (i == free_one) {
            continue;
        }
        pcbs[i] = pcb_at(i % 2 ? ESTABLISHED : TIME_WAIT, (uint16_t)(PORT_FIRST + i), &to);
        if (i % 2) {
            TCP_REG(&tcp_active_pcbs, pcbs[i]);
        } else {
            TCP_REG(&tcp_tw_pcbs, pcbs[i]);
        }
    }
    for (unsigned i = 0; i < 3; i++) {
        EXPECT(sock_port_connect_tcp(&src, &to) == PORT_FIRST + free_one);
        EXPECT(sock_port_random_tcp() == PORT_FIRST + free_one);
    }
    EXPECT(connect_to(&other) != connect_to(&other));
    src = address(false, 4); /* another address of ours */
    EXPECT(sock_port_connect_tcp(&src, &to) != 0);
    src = address(false, 2);

    struct tcp_pcb *bound = pcb_at(CLOSED, PORT_FIRST + free_one, NULL);
    TCP_REG(&tcp_bound_pcbs, bound);
    EXPECT(sock_port_connect_tcp(&src, &to) == 0);
    EXPECT(sock_port_random_tcp() == 0);
    while (tcp_active_pcbs != NULL) {
        TCP_RMV(&tcp_active_pcbs, tcp_active_pcbs);
    }
    while (tcp_tw_pcbs != NULL) {
        TCP_RMV(&tcp_tw_pcbs, tcp_tw_pcbs);
    }
    for (unsigned i = 0; i < 2 * PORTS; i++) {
        EXPECT(connect_to(&other) != PORT_FIRST + free_one);
    }
    TCP_RMV(&tcp_bound_pcbs, bound);
    free(bound);
    for (unsigned i = 0; i < PORTS; i++) {
        free(pcbs[i]);
    }
}

/* Ports of datagrams are to be guessed by nobody: random, and no one's else. */
static void test_udp(void)
{
    unsigned next = 0;
    uint16_t last = 0;

    memset(seen, 0, sizeof(seen));
    for (unsigned i = 0; i < 500; i++) {
        struct udp_pcb *u = udp_new();
        uint16_t port = sock_port_random_udp();
        EXPECT(seen[port]++ == 0 && udp_bind(u, IP4_ADDR_ANY, port) == ERR_OK);
        next += port == last + 1;
        last = port;
    }
    EXPECT(next < 5);
    while (udp_pcbs != NULL) {
        udp_remove(udp_pcbs);
    }
}

int main(void)
{
    EXPECT(net_start() == 0 && fake_engine != NULL);
    (void)fake_arrive;
    (void)fake_sleep;
    net_lock();
    test_again(false);
    test_again(true);
    test_apart();
    test_taken();
    test_udp();
    net_unlock();
    return unit_done();
}
