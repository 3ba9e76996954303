/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program's end: connections are closed, and what was sent leaves the machine.
 *
 * The kernel of another system outlives its programs and delivers what they have sent; here the
 * machine is off a moment later. So it waits, as long as the peers go on acknowledging.
 */
#include "sock_exit.h"

#include <pith/iowait.h>
#include <pith/platform.h>

#include "net_card.h"
#include "sock_tcp.h"

#define MS          1000000ull
#define PATIENCE_NS (10000 * MS) /* without any progress */
#define STEP_NS     (5 * MS)     /* the end of a transmission has no event of its own */

/* The other end is a socket of this program, which nobody reads any more. */
static bool is_own(const struct tcp_pcb *pcb)
{
    return sock_addr_is_loopback(&pcb->remote_ip) || sock_addr_is_local(&pcb->remote_ip);
}

/* As close() would. */
static void close_one(struct tcp_pcb *pcb)
{
    struct tcp_sock *t = pcb->callback_arg;
    bool reset = pcb->state == SYN_RCVD || pcb->state == SYN_SENT || is_own(pcb);
    if (t != NULL && pcb->state != SYN_RCVD) {
        reset = reset || t->rx_bytes > 0 || (t->s.linger && t->s.linger_seconds == 0);
        t->phase = PHASE_CLOSED;
        t->s.shutdown = SOCK_SHUT_RD | SOCK_SHUT_WR;
        sock_tcp_disown(t);
        sock_tcp_update(t, 0);
    }
    if (reset) {
        tcp_abort(pcb);
        return;
    }
    pcb->rcv_wnd = TCP_WND_MAX(pcb); /* else lwIP resets: nothing is unread here */
    tcp_close(pcb);
}

/* Bytes and FINs that somebody has still to acknowledge, and frames that the devices hold. */
static uint64_t outstanding(void)
{
    uint64_t n = net_card_unsent();
    for (const struct tcp_pcb *p = tcp_active_pcbs; p != NULL; p = p->next) {
        if (p->unsent != NULL || p->unacked != NULL) {
            n += p->snd_lbb - p->lastack + 1;
        }
    }
    return n;
}

void sock_exit(void)
{
    struct io_waiter w;
    uint64_t last = UINT64_MAX, since = platform_clock_ns();

    io_waiter_init(&w);
    w.deaf = true;
    net_lock();
    for (struct tcp_pcb *p = tcp_active_pcbs; p != NULL;) {
        struct tcp_pcb *next = p->next;
        close_one(p);
        p = next;
    }
    for (;;) {
        net_unlock();
        net_lock();
        uint64_t left = outstanding();
        uint64_t now = platform_clock_ns();
        if (left != last) {
            last = left;
            since = now;
        }
        if (left == 0 || now - since > PATIENCE_NS) {
            break;
        }
        net_unlock();
        io_wait(&w, now + STEP_NS);
        net_lock();
    }
    net_unlock();
}
