/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP's lists of TCP connections, in place of its own macros for them: doubly linked, with a hash
 * by which a segment finds its connection. Patches of toolchain/patches/lwip call it.
 *
 * Context of all: net_lock held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <lwip/ip_addr.h>

struct tcp_pcb;

/*
 * Put a control block on one of lwIP's lists: at its end that of TIME_WAIT, whose first is so the
 * oldest, else at its head. Addresses, ports and state stay as they are for as long as it is there.
 */
void net_tcp_list_add(struct tcp_pcb **list, struct tcp_pcb *pcb);

/* Take it off that list; nothing happens where it is on none. */
void net_tcp_list_remove(struct tcp_pcb **list, struct tcp_pcb *pcb);

/*
 * The connection, active or in TIME_WAIT, of a segment that has come by the interface of that
 * index; NULL: there is none.
 */
struct tcp_pcb *net_tcp_find(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                             uint16_t remote_port, unsigned netif_idx);

/* The same for IPv4; the addresses are in network order. */
struct tcp_pcb *net_tcp_find4(uint32_t local, uint16_t local_port, uint32_t remote,
                              uint16_t remote_port, unsigned netif_idx);

/* Whether there is a connection between these ends by whatever interface. */
bool net_tcp_taken(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                   uint16_t remote_port);

/* The first of the listeners (struct tcp_pcb_listen) with this port or others, linked by hash_next. */
struct tcp_pcb *net_tcp_listeners(uint16_t port);
