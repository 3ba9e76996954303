/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP's short way between the card and a connection, past the layers in between. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <lwip/opt.h>

#include <lwip/netif.h>
#include <lwip/pbuf.h>

/*
 * A frame that has come by the interface: true where it was a segment that its connection expected
 * and has now; p is freed or the program's then. False: nothing has happened.
 *
 * checked  the card has verified TCP's checksum
 * Context  net_lock held; p has at least an Ethernet header in its first piece
 */
bool net_tcp_short_input(struct pbuf *p, const struct netif *netif, bool checked);
