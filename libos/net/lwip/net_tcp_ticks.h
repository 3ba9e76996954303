/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which connections wait for one of lwIP's TCP timers: they alone are looked at, and where there is
 * none the timers stand still. Patches of toolchain/patches/lwip call it.
 *
 * A connection is on the list when something has been done with it since the last slow tick, which
 * takes off those that wait for nothing. So it is enough that whatever may make one wait begins with
 * net_tcp_tick(). Context of all: net_lock held.
 */
#pragma once

#include <stdbool.h>

struct tcp_pcb;

/* In tcp_pcb.tick. */
enum { NET_TCP_STILL, NET_TCP_TICKED, NET_TCP_KEPT };

extern struct tcp_pcb *net_tcp_ticked; /* linked by tick_next */
extern struct tcp_pcb *net_tcp_kept;   /* the same: idle ones with SO_KEEPALIVE, looked at seldom */

/* Something is being done with the connection. Not for a listener's block, which is shorter. */
#define net_tcp_tick(pcb)                     \
    do {                                      \
        if ((pcb)->tick != NET_TCP_TICKED) {  \
            net_tcp_tick_start(pcb);          \
        }                                     \
    } while (0)

/* The same where it is not on the list; nothing happens to one that is no active connection. */
void net_tcp_tick_start(struct tcp_pcb *pcb);

/* It is no active connection any more. */
void net_tcp_tick_stop(struct tcp_pcb *pcb);

/* At a slow tick: whether it waits for nothing; then it has been taken off the list. */
bool net_tcp_tick_idle(struct tcp_pcb *pcb);

/* Once a second, while net_tcp_seldom_waits(): the end of TIME_WAIT, keepalives that come near. */
void net_tcp_seldom(void);
bool net_tcp_seldom_waits(void);

/* libos/net/net_timers.c: have lwIP's clock go right after a time without ticks. */
void net_tcp_clock(void);
