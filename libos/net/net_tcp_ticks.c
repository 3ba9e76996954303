/* SPDX-License-Identifier: BSD-2-Clause */
/* The connections that wait for a timer of TCP, those that will in a while, and the end of TIME_WAIT. */
#include "net_tcp_ticks.h"

#include <lwip/priv/tcp_priv.h>

#define NEAR_TICKS (10000u / TCP_SLOW_INTERVAL) /* a keepalive is due within 10 s: by ticks from here */
#define KEPT_EACH  5u                           /* seconds between looks at those that are kept */

struct tcp_pcb *net_tcp_ticked, *net_tcp_kept;

static void unlink_tick(struct tcp_pcb *pcb)
{
    *pcb->tick_pprev = pcb->tick_next;
    if (pcb->tick_next != NULL) {
        pcb->tick_next->tick_pprev = pcb->tick_pprev;
    }
    pcb->tick = NET_TCP_STILL;
}

static void link_tick(struct tcp_pcb **list, struct tcp_pcb *pcb, unsigned kind)
{
    pcb->tick_next = *list;
    pcb->tick_pprev = list;
    if (pcb->tick_next != NULL) {
        pcb->tick_next->tick_pprev = &pcb->tick_next;
    }
    *list = pcb;
    pcb->tick = (uint8_t)kind;
}

void net_tcp_tick_start(struct tcp_pcb *pcb)
{
    if (pcb->pprev == NULL || pcb->state <= LISTEN || pcb->state == TIME_WAIT) {
        return;
    }
    if (pcb->tick == NET_TCP_KEPT) {
        unlink_tick(pcb);
    }
    bool first = net_tcp_ticked == NULL;
    link_tick(&net_tcp_ticked, pcb, NET_TCP_TICKED);
    if (first) {
        net_tcp_clock();
        tcp_timer_needed();
    }
}

void net_tcp_tick_stop(struct tcp_pcb *pcb)
{
    if (pcb->tick != NET_TCP_STILL) {
        unlink_tick(pcb);
    }
}

/* Whether the slow or the fast timer has something to do for it, now or in a while. */
static bool waits(const struct tcp_pcb *pcb)
{
    if (pcb->unsent != NULL || pcb->unacked != NULL || pcb->ooseq != NULL ||
        pcb->refused_data != NULL ||
        (pcb->flags & (TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND | TF_NAGLEMEMERR)) != 0) {
        return true;
    }
    switch (pcb->state) {
    case ESTABLISHED:
    case CLOSE_WAIT:
        return false;
    case FIN_WAIT_2:
        return (pcb->flags & TF_RXCLOSED) != 0; /* only one that the program has closed ends by time */
    default:
        return true;
    }
}

static bool has_keepalive(const struct tcp_pcb *pcb)
{
    return ip_get_option(pcb, SOF_KEEPALIVE) &&
           (pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT);
}

static bool keepalive_near(const struct tcp_pcb *pcb)
{
    return tcp_ticks - pcb->tmr + NEAR_TICKS >= pcb->keep_idle / TCP_SLOW_INTERVAL;
}

bool net_tcp_tick_idle(struct tcp_pcb *pcb)
{
    bool kept = has_keepalive(pcb);

    if (waits(pcb) || (kept && keepalive_near(pcb))) {
        return false;
    }
    unlink_tick(pcb);
    if (kept) {
        link_tick(&net_tcp_kept, pcb, NET_TCP_KEPT);
    }
    return true;
}

bool net_tcp_seldom_waits(void)
{
    return tcp_tw_pcbs != NULL || net_tcp_kept != NULL;
}

void net_tcp_seldom(void)
{
    static unsigned seconds;

    if (net_tcp_ticked == NULL) {
        net_tcp_clock();
    }
    while (tcp_tw_pcbs != NULL && tcp_ticks - tcp_tw_pcbs->tmr > 2 * TCP_MSL / TCP_SLOW_INTERVAL) {
        tcp_abort(tcp_tw_pcbs); /* the oldest; sends nothing */
    }
    if (++seconds % KEPT_EACH != 0) {
        return;
    }
    for (struct tcp_pcb *pcb = net_tcp_kept, *next; pcb != NULL; pcb = next) {
        next = pcb->tick_next;
        if (keepalive_near(pcb) || !has_keepalive(pcb)) {
            net_tcp_tick_start(pcb);
        }
    }
}
