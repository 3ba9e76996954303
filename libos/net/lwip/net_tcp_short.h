/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP's short way between a connection and the card, past the layers in between. What these answer
 * is remembered by the connection for as long as net_paths stays the same (lwipopts.h).
 *
 * Context of all: net_lock held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <lwip/err.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>

struct tcp_pcb;

/*
 * A frame that has come by the interface: true where it was a segment that its connection expected
 * and has now, or gets with the next ones of this batch; p is freed or the program's then. False:
 * nothing has happened to it.
 *
 * checked  the card has verified TCP's checksum
 * p        has at least an Ethernet header in its first piece
 */
bool net_tcp_short_input(struct pbuf *p, const struct netif *netif, bool checked);

/* Whoever has called that for a batch of frames ends it with this: TCP may have waited for more. */
void net_tcp_short_flush(void);

/*
 * Send a segment of the connection by that interface: by ip_output_if() the first time, which shows
 * what headers to put in front of the next ones. p stays the caller's.
 */
err_t net_tcp_short_output(struct tcp_pcb *pcb, struct pbuf *p, struct netif *netif);
