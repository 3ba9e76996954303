/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP sockets: shutdown and close. */
#include "sock_tcp.h"

#include <errno.h>
#include <poll.h>

#include <pith/heap.h>
#include <pith/iowait.h>

/* lwIP resets a connection whose window is not whole: here that is decided by unread data alone. */
static void make_window_whole(struct tcp_pcb *pcb)
{
    pcb->rcv_wnd = TCP_WND_MAX(pcb);
}

static void shut_down_write(struct tcp_sock *t)
{
    bool first = (t->s.shutdown & SOCK_SHUT_WR) == 0;
    t->s.shutdown |= SOCK_SHUT_WR;
    if (first && t->pcb != NULL && t->phase == PHASE_OPEN) {
        /* lwIP tries again by its timer when there is no memory for the FIN. */
        tcp_shutdown(t->pcb, 0, 1);
    }
}

int sock_tcp_shutdown(struct file *f, int how)
{
    struct tcp_sock *t = tcp_of(f);
    int r = 0;
    if (how < SHUT_RD || how > SHUT_RDWR) {
        return -EINVAL;
    }
    net_lock();
    switch (t->phase) {
    case PHASE_LISTENING:
        if (how != SHUT_WR) {
            sock_tcp_disconnect(t);
        }
        break;
    case PHASE_CONNECTING:
        sock_tcp_disconnect(t);
        break;
    case PHASE_NEW:
    case PHASE_FAILED:
    case PHASE_CLOSED:
        r = -ENOTCONN; /* as on Linux it counts nevertheless */
        __attribute__((fallthrough));
    default:
        if (how != SHUT_WR) {
            t->s.shutdown |= SOCK_SHUT_RD;
            t->user_rd = true;
        }
        if (how != SHUT_RD) {
            shut_down_write(t);
        }
    }
    sock_tcp_update(t, POLLIN | POLLOUT);
    net_unlock();
    return r;
}

void sock_tcp_free(struct tcp_sock *t)
{
    sock_tcp_rx_free(t);
    sock_tcp_zc_disown(t);
    pollq_close(&t->s.pollq);
    heap_free(t);
}

/* SO_LINGER with a time: until the FIN is acknowledged, the connection broken, or time is up. */
static void linger(struct tcp_sock *t)
{
    t->phase = PHASE_LINGERING;
    sock_tcp_update(t, 0);
    uint64_t deadline = sock_deadline((uint64_t)t->s.linger_seconds * 1000000000ull);
    while ((sock_ready(&t->s.file, POLLOUT) & POLLOUT) == 0) {
        net_unlock();
        int r = file_wait(&t->s.file, POLLOUT, deadline);
        net_lock();
        if (r < 0) {
            break;
        }
    }
    sock_tcp_disown(t);
}

/* Say goodbye to the peer. */
static void close_connection(struct tcp_sock *t)
{
    struct tcp_pcb *pcb = t->pcb;
    bool connected = t->phase == PHASE_OPEN;
    if (connected && ((t->s.linger && t->s.linger_seconds == 0) || t->rx_bytes > 0)) {
        sock_tcp_drop_pcb(t);
        return;
    }
    if (pcb->state == TIME_WAIT) {
        sock_tcp_disown(t);
        return;
    }
    make_window_whole(pcb);
    if (!connected || !t->s.linger) {
        sock_tcp_disown(t);
        tcp_close(pcb);
        return;
    }
    tcp_recv(pcb, NULL);
    pcb->callback_arg = t;
    tcp_close(pcb);
    if (t->pcb != NULL) {
        linger(t);
    }
}

void sock_tcp_close(struct file *f)
{
    struct tcp_sock *t = tcp_of(f);
    net_lock();
    if (t->phase == PHASE_LISTENING) {
        sock_tcp_stop_listening(t);
    } else if (t->pcb != NULL) {
        close_connection(t);
    }
    sock_tcp_free(t);
    net_unlock();
}
