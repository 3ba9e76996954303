/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP sockets: lending received data, and sending memory where it lies (pith/zerocopy.h). */
#include "sock_tcp.h"

#include <errno.h>
#include <poll.h>

#include "sock_zerocopy.h"

void sock_tcp_zc_acked(struct tcp_sock *t, uint32_t ack)
{
    for (struct list *l = t->zc.next; l != &t->zc; l = l->next) {
        struct zc_buffer *b = LIST_ENTRY(l, struct zc_buffer, link);
        b->acked = b->acked || TCP_SEQ_GEQ(ack, b->end_seq);
    }
}

void sock_tcp_zc_disown(struct tcp_sock *t)
{
    while (!list_empty(&t->zc)) {
        struct zc_buffer *b = LIST_ENTRY(t->zc.next, struct zc_buffer, link);
        list_remove(&b->link);
        b->socket = NULL;
    }
}

/* Queue what there is room for; as sock_tcp_tx_queue(). */
static ssize_t queue(struct tcp_sock *t, struct zc_buffer *b, const void *data, size_t len,
                     bool more)
{
    sock_zc_set_current(b);
    ssize_t r = sock_tcp_tx_queue(t, data, len, more ? TCP_WRITE_FLAG_MORE : 0);
    sock_zc_set_current(NULL);
    if (r > 0) {
        b->end_seq = t->pcb->snd_lbb;
        b->acked = false;
    }
    return r;
}

ssize_t sock_tcp_zc_send(struct file *f, struct zc_buffer *b, const void *data, size_t len,
                       int flags, const struct sockaddr *to, socklen_t tolen)
{
    struct tcp_sock *t = tcp_of(f);
    bool blocking = sock_blocking(f, flags);
    bool more = (flags & MSG_MORE) != 0;
    uint64_t deadline = 0;
    size_t done = 0;
    ssize_t r;
    (void)to; /* as with sendto(), a connected socket has no use for it */
    (void)tolen;

    net_lock();
    sock_zc_begin(b, t, &t->zc);
    for (;;) {
        r = sock_tcp_tx_state(t);
        if (r == 0 && (r = queue(t, b, (const char *)data + done, len - done, more)) >= 0) {
            done += (size_t)r;
            if (done == len) {
                break;
            }
            r = -EAGAIN;
        }
        if (r != -EAGAIN || !blocking) {
            break;
        }
        sock_tcp_tx_push(t, false);
        sock_tcp_update(t, 0);
        net_unlock();
        deadline = deadline != 0 ? deadline : sock_deadline(t->s.sndtimeo_ns);
        r = sock_wait(f, POLLOUT, deadline);
        net_lock();
        if (r < 0) {
            break;
        }
    }
    if (done > 0) {
        sock_tcp_tx_push(t, more);
    }
    sock_zc_end(b, done > 0, t->pcb != NULL);
    r = sock_tcp_tx_end(t, done, r);
    net_unlock();
    return sock_pipe_signal(r, flags);
}

/* Take whole pbufs off the queue's head; returns their bytes. */
static size_t lend(struct tcp_sock *t, struct zc_loan *loan)
{
    struct pbuf *last = NULL;
    size_t bytes = 0;
    loan->data = t->rx_head;
    for (struct pbuf *p = t->rx_head; p != NULL && loan->n < ZC_PIECES; p = p->next) {
        if (p->len > 0) {
            loan->piece[loan->n++] = (struct iovec){ p->payload, p->len };
            bytes += p->len;
        }
        last = p;
    }
    t->rx_head = last->next;
    last->next = NULL;
    if (t->rx_head == NULL) {
        t->rx_tail = NULL;
        t->rx_room = 0;
    }
    t->rx_bytes -= (uint32_t)bytes;
    return bytes;
}

ssize_t sock_tcp_zc_recv(struct file *f, struct zc_loan *loan, int flags, struct sockaddr *from,
                       socklen_t *fromlen)
{
    struct tcp_sock *t = tcp_of(f);
    bool blocking = sock_blocking(f, flags);
    uint64_t deadline = 0;
    (void)from;
    loan->n = 0;
    loan->owner = NULL;
    net_lock();
    ssize_t r;
    while ((r = sock_tcp_rx_state(t, 1)) == -EAGAIN && blocking) {
        net_unlock();
        deadline = deadline != 0 ? deadline : sock_deadline(t->s.rcvtimeo_ns);
        int waited = sock_wait(f, POLLIN, deadline);
        net_lock();
        if (waited < 0) {
            r = waited;
            break;
        }
    }
    if (t->rx_bytes > 0) {
        r = (ssize_t)lend(t, loan);
        loan->owner = file_ref(f);
    } else if (r < 0 && r == -t->s.error) {
        sock_take_error(&t->s);
    }
    if (fromlen != NULL) {
        *fromlen = 0;
    }
    sock_tcp_update(t, 0);
    net_unlock();
    return r;
}

void sock_tcp_zc_return(struct zc_loan *loan)
{
    struct file *f = loan->owner;
    struct tcp_sock *t = tcp_of(f);
    size_t bytes = 0;
    net_lock();
    for (struct pbuf *p = loan->data; p != NULL;) {
        struct pbuf *next = p->next;
        bytes += p->len;
        p->next = NULL;
        p->tot_len = p->len;
        pbuf_free(p);
        p = next;
    }
    sock_tcp_rx_open_window(t, bytes);
    net_unlock();
    loan->owner = NULL;
    file_unref(f);
}
