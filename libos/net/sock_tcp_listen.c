/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP sockets: listening and accepting.
 *
 * The backlog is counted here, as Linux counts it: a SYN is dropped, not refused, while more
 * connections wait to be accepted than the backlog says. Half-open connections are counted apart;
 * when there are too many, the oldest makes room, so that a flood of SYNs does not shut real
 * clients out for long.
 */
#include "sock_tcp.h"

#include <errno.h>
#include <poll.h>

#include <pith/heap.h>

#define BACKLOG_MAX   4096u /* SOMAXCONN */
#define HALF_OPEN_MIN 128u

/* A half-open connection is gone, or complete. */
static void on_half_open_end(u8_t id, void *data)
{
    struct tcp_sock *l = data;
    (void)id;
    if (l != NULL) {
        l->half_open--;
    }
}

static const struct tcp_ext_arg_callbacks half_open_callbacks = { .destroy = on_half_open_end };

static void drop_oldest_half_open(struct tcp_sock *l)
{
    struct tcp_pcb *oldest = NULL;
    for (struct tcp_pcb *p = net_tcp_ticked; p != NULL; p = p->tick_next) {
        if (p->state == SYN_RCVD && p->ext_args[0].data == l &&
            (oldest == NULL || (int32_t)(p->tmr - oldest->tmr) <= 0)) {
            oldest = p;
        }
    }
    if (oldest != NULL) {
        tcp_abandon(oldest, 0);
    }
}

/* A SYN has come; an error drops it without a word, and the client tries again. */
static err_t on_syn(u8_t id, struct tcp_pcb_listen *lpcb, struct tcp_pcb *pcb)
{
    struct tcp_sock *l = lpcb->ext_args[id].data;
    if (l == NULL || l->queued > l->backlog) {
        return ERR_MEM;
    }
    if (l->half_open >= (l->backlog > HALF_OPEN_MIN ? l->backlog : HALF_OPEN_MIN)) {
        drop_oldest_half_open(l);
    }
    l->half_open++;
    pcb->ext_args[id].callbacks = &half_open_callbacks;
    pcb->ext_args[id].data = l;
    pcb->ttl = lpcb->ttl;
    pcb->tos = lpcb->tos;
    return ERR_OK;
}

/* The listener itself is freed only by us. */
static const struct tcp_ext_arg_callbacks listener_callbacks = { .passive_open = on_syn };

/*
 * SO_REUSEPORT: of all listeners at this address and port, the one whose turn it is: the shortest
 * queue, so that a slow one gets less.
 */
static struct tcp_sock *choose_listener(struct tcp_sock *l)
{
    if ((l->s.so_options & SOCK_OPT_REUSEPORT) == 0) {
        return l;
    }
    struct tcp_sock *best = NULL;
    static unsigned turn; /* under net_lock */
    unsigned group = 0, nth;
    for (struct tcp_pcb_listen *p = tcp_listen_pcbs.listen_pcbs; p != NULL; p = p->next) {
        group += p->local_port == l->s.local.port && ip_addr_eq(&p->local_ip, &l->s.local.ip);
    }
    nth = group != 0 ? turn++ % group : 0;
    for (struct tcp_pcb_listen *p = tcp_listen_pcbs.listen_pcbs; p != NULL; p = p->next) {
        if (p->local_port == l->s.local.port && ip_addr_eq(&p->local_ip, &l->s.local.ip)) {
            struct tcp_sock *other = p->callback_arg;
            if (nth-- == 0 && other != NULL) {
                best = other;
                break;
            }
        }
    }
    return best != NULL ? best : l;
}

/* The handshake is complete. An error resets the connection. */
static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct tcp_sock *l = arg;
    if (l == NULL || pcb == NULL || err != ERR_OK) {
        return ERR_VAL;
    }
    l = choose_listener(l);
    struct tcp_sock *t = sock_tcp_alloc(l->s.domain, 0);
    if (t == NULL) {
        return ERR_MEM; /* the half-open count goes down when lwIP frees it */
    }
    on_half_open_end(0, pcb->ext_args[0].data);
    sock_tcp_inherit(t, l);
    sock_tcp_adopt(t, pcb);
    sock_tcp_apply(t);
    t->phase = PHASE_OPEN;
    ip_addr_copy(t->s.local.ip, pcb->local_ip);
    ip_addr_copy(t->s.remote.ip, pcb->remote_ip);
    t->s.local.port = pcb->local_port;
    t->s.remote.port = pcb->remote_port;
    sock_tcp_update(t, 0);
    list_insert(&l->queue, &t->link);
    l->queued++;
    sock_tcp_update(l, POLLIN | POLLRDNORM);
    return ERR_OK;
}

static int start_listening(struct tcp_sock *t)
{
    int r = sock_tcp_need_pcb(t);
    if (r < 0) {
        return r;
    }
    if (t->pcb->local_port == 0) {
        struct sock_end end;
        ip_addr_copy(end.ip, t->pcb->local_ip);
        end.port = sock_port_random_tcp();
        if (end.port == 0 || tcp_bind(t->pcb, &end.ip, end.port) != ERR_OK) {
            return -EADDRINUSE;
        }
        t->s.local = end;
    } else {
        struct sock_end end = { .port = t->pcb->local_port };
        ip_addr_copy(end.ip, t->pcb->local_ip);
        r = sock_port_check_tcp(&t->s, &end, true);
        if (r < 0) {
            return r;
        }
    }
    struct tcp_pcb *pcb = t->pcb;
    err_t err;
    pcb->ext_args[0].data = NULL;
    ip_reset_option(pcb, SOF_REUSEADDR); /* else lwIP compares with its own rules */
    struct tcp_pcb *lpcb = tcp_listen_with_backlog_and_err(pcb, 0xff, &err);
    if (lpcb == NULL || err != ERR_OK) {
        ip_set_option(pcb, SOF_REUSEADDR);
        pcb->ext_args[0].data = t;
        return net_errno(err);
    }
    ip_set_option(lpcb, SOF_REUSEADDR);
    t->pcb = lpcb;
    lpcb->callback_arg = t;
    lpcb->ext_args[0].callbacks = &listener_callbacks;
    lpcb->ext_args[0].data = t;
    tcp_accept(lpcb, on_accept);
    t->phase = PHASE_LISTENING;
    return 0;
}

int sock_tcp_listen(struct file *f, int backlog)
{
    struct tcp_sock *t = tcp_of(f);
    int r = 0;
    net_lock();
    if (t->phase == PHASE_NEW) {
        r = start_listening(t);
    } else if (t->phase != PHASE_LISTENING) {
        r = -EINVAL;
    }
    if (r == 0) {
        /* As on Linux a negative one is the largest. */
        t->backlog = (unsigned)backlog > BACKLOG_MAX ? BACKLOG_MAX : (unsigned)backlog;
        sock_tcp_update(t, 0);
    }
    net_unlock();
    return r;
}

int sock_tcp_accept(struct file *f, int flags, struct sockaddr *addr, socklen_t *len,
                  struct file **out)
{
    struct tcp_sock *l = tcp_of(f);
    uint64_t deadline = 0;
    int r = 0;
    net_lock();
    while (l->phase == PHASE_LISTENING && l->queued == 0) {
        if (!sock_blocking(f, 0)) {
            r = -EAGAIN;
            break;
        }
        net_unlock();
        deadline = deadline != 0 ? deadline : sock_deadline(l->s.rcvtimeo_ns);
        r = sock_wait(f, POLLIN, deadline);
        net_lock();
        if (r < 0) {
            break;
        }
    }
    if (l->phase != PHASE_LISTENING) {
        r = -EINVAL;
    } else if (l->queued > 0) {
        struct tcp_sock *t = LIST_ENTRY(l->queue.next, struct tcp_sock, link);
        list_remove(&t->link);
        l->queued--;
        t->s.file.flags |= flags & SOCK_NONBLOCK;
        sock_addr_out(&l->s, &t->s.remote, addr, len);
        *out = &t->s.file;
        r = 0;
    }
    sock_tcp_update(l, 0);
    net_unlock();
    return r < 0 ? r : 0;
}

void sock_tcp_stop_listening(struct tcp_sock *t)
{
    for (struct tcp_pcb *p = net_tcp_ticked; p != NULL;) {
        struct tcp_pcb *next = p->tick_next;
        if (p->state == SYN_RCVD && p->ext_args[0].data == t) {
            tcp_abandon(p, 0);
        }
        p = next;
    }
    struct tcp_pcb *lpcb = sock_tcp_disown(t);
    if (lpcb != NULL) {
        tcp_close(lpcb);
    }
    while (!list_empty(&t->queue)) {
        struct tcp_sock *child = LIST_ENTRY(t->queue.next, struct tcp_sock, link);
        list_remove(&child->link);
        sock_tcp_drop_pcb(child);
        sock_tcp_free(child);
    }
    t->queued = 0;
}
