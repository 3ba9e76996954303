/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP sockets: lending received datagrams, and sending memory where it lies (pith/zerocopy.h). */
#include "sock_udp.h"

#include <errno.h>

#include "sock_zerocopy.h"

void sock_udp_zc_disown(struct udp_sock *u)
{
    while (!list_empty(&u->zc)) {
        struct zc_buffer *b = LIST_ENTRY(u->zc.next, struct zc_buffer, link);
        list_remove(&b->link);
        b->socket = NULL;
    }
}

static int send_piece(struct udp_sock *u, struct zc_buffer *b, const void *data, size_t len,
                      const struct sock_end *to)
{
    sock_zc_set_current(b);
    struct pbuf *p = sock_zc_pbuf((uint16_t)len);
    sock_zc_set_current(NULL);
    if (p == NULL) {
        return -ENOBUFS;
    }
    p->payload = (void *)(uintptr_t)data;
    int r = sock_udp_transmit(u, p, to);
    b->acked = r == 0; /* there is no more to wait for than the device */
    pbuf_free(p);
    return r;
}

ssize_t sock_udp_zc_send(struct file *f, struct zc_buffer *b, const void *data, size_t len,
                       int flags, const struct sockaddr *to, socklen_t tolen)
{
    struct udp_sock *u = udp_of(f);
    struct sock_end end;
    if (len > DATAGRAM_MAX) {
        return -EMSGSIZE;
    }
    if ((flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL)) != 0) {
        return -EOPNOTSUPP;
    }
    net_lock();
    int r = sock_udp_destination(u, to, tolen, &end);
    net_unlock();
    if (r < 0) {
        return r;
    }
    if (to != NULL && !sock_addr_is_loopback(&end.ip)) {
        net_wait_configured();
    }
    net_lock();
    r = sock_take_error(&u->s);
    if (r == 0 && (u->s.shutdown & SOCK_SHUT_WR) != 0) {
        r = -EPIPE;
    }
    if (r == 0) {
        sock_zc_begin(b, u, &u->zc);
        r = send_piece(u, b, data, len, &end);
        sock_zc_end(b, r == 0, true);
    }
    sock_udp_update(u, 0);
    net_unlock();
    return r < 0 ? r : (ssize_t)len;
}

/* The pieces of a datagram; one that came in more than fit is copied together. */
static bool lend(struct datagram *d, struct zc_loan *loan)
{
    if (pbuf_clen(d->p) > ZC_PIECES) {
        d->p = pbuf_coalesce(d->p, PBUF_RAW);
        if (pbuf_clen(d->p) > ZC_PIECES) {
            return false;
        }
    }
    for (struct pbuf *p = d->p; p != NULL; p = p->next) {
        if (p->len > 0) {
            loan->piece[loan->n++] = (struct iovec){ p->payload, p->len };
        }
    }
    return true;
}

ssize_t sock_udp_zc_recv(struct file *f, struct zc_loan *loan, int flags, struct sockaddr *from,
                       socklen_t *fromlen)
{
    struct udp_sock *u = udp_of(f);
    loan->n = 0;
    loan->owner = NULL;
    net_lock();
    ssize_t r = sock_udp_await(u, flags);
    if (r == 0) {
        struct datagram *d = LIST_ENTRY(u->queue.next, struct datagram, link);
        if (lend(d, loan)) {
            sock_addr_out(&u->s, &d->from, from, fromlen);
            list_remove(&d->link); /* it counts in u->queued until it is back */
            loan->data = d;
            loan->owner = file_ref(f);
            r = d->p->tot_len;
        } else {
            r = -ENOBUFS;
        }
        sock_udp_update(u, 0);
    } else if (r == -ESHUTDOWN) {
        r = 0;
    }
    net_unlock();
    return r;
}

void sock_udp_zc_return(struct zc_loan *loan)
{
    struct file *f = loan->owner;
    net_lock();
    sock_udp_free_datagram(udp_of(f), loan->data);
    net_unlock();
    loan->owner = NULL;
    file_unref(f);
}
