/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP sockets: received data. It stays in the buffers that it came in until recv() copies it, once.
 *
 * Small segments that nobody reads at once are gathered in collectors: else a peer who sends single
 * bytes would fill the window with buffers a thousand times its size.
 */
#include "sock_tcp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define SMALL          512u  /* bytes: a segment up to this is gathered when it has to wait */
#define COLLECTOR_SIZE 4000u /* with its head one page */

static void append_chain(struct tcp_sock *t, struct pbuf *p)
{
    if (t->rx_tail != NULL) {
        t->rx_tail->next = p;
    } else {
        t->rx_head = p;
    }
    while (p->next != NULL) {
        p = p->next;
    }
    t->rx_tail = p;
    t->rx_room = 0;
}

/* Copy a small segment behind what waits already; false: it has to be queued as it is. */
static bool gather(struct tcp_sock *t, struct pbuf *p)
{
    u16_t len = p->tot_len;
    if (t->rx_room < len) {
        struct pbuf *c = pbuf_alloc(PBUF_RAW, COLLECTOR_SIZE, PBUF_RAM);
        if (c == NULL) {
            return false;
        }
        c->len = 0;
        append_chain(t, c);
        t->rx_room = COLLECTOR_SIZE;
    }
    struct pbuf *c = t->rx_tail;
    pbuf_copy_partial(p, (char *)c->payload + c->len, len, 0);
    c->len = (u16_t)(c->len + len);
    t->rx_room -= len;
    pbuf_free(p);
    return true;
}

void sock_tcp_rx_append(struct tcp_sock *t, struct pbuf *p)
{
    t->rx_bytes += p->tot_len;
    if (p->tot_len > SMALL || t->rx_head == NULL || !gather(t, p)) {
        append_chain(t, p);
    }
}

/* Take the head off. */
static void pop(struct tcp_sock *t)
{
    struct pbuf *p = t->rx_head;
    t->rx_head = p->next;
    if (t->rx_head == NULL) {
        t->rx_tail = NULL;
        t->rx_room = 0;
    }
    p->next = NULL;
    p->tot_len = p->len;
    pbuf_free(p);
}

void sock_tcp_rx_free(struct tcp_sock *t)
{
    while (t->rx_head != NULL) {
        pop(t);
    }
    t->rx_bytes = 0;
}

void sock_tcp_rx_open_window(struct tcp_sock *t, size_t n)
{
    while (n > 0 && t->pcb != NULL) {
        u16_t part = n > 0xffff ? 0xffff : (u16_t)n;
        tcp_recved(t->pcb, part);
        n -= part;
    }
}

void sock_tcp_rx_consume(struct tcp_sock *t, size_t n)
{
    size_t left = n;
    t->rx_bytes -= (uint32_t)n;
    while (t->rx_head != NULL) {
        struct pbuf *p = t->rx_head;
        if (left < p->len) {
            p->payload = (char *)p->payload + left;
            p->len = (u16_t)(p->len - left);
            break;
        }
        left -= p->len;
        pop(t);
    }
    sock_tcp_rx_open_window(t, n);
}

int sock_tcp_rx_state(struct tcp_sock *t, size_t wanted)
{
    if (t->phase == PHASE_LISTENING) {
        return -ENOTCONN;
    }
    if (t->rx_bytes >= wanted && t->rx_bytes > 0) {
        return 1;
    }
    if (t->fin) {
        return 0;
    }
    if (t->s.error != 0) {
        return t->rx_bytes > 0 ? 1 : -t->s.error;
    }
    if ((t->s.shutdown & SOCK_SHUT_RD) != 0) {
        return 0;
    }
    return t->phase == PHASE_NEW || t->phase == PHASE_FAILED ? -ENOTCONN : -EAGAIN;
}

/* Where in the program's buffers the next byte goes. */
struct cursor {
    const struct iovec *iov;
    size_t n, off;
};

static void put(struct cursor *c, const char *data, size_t len, bool discard)
{
    while (len > 0) {
        size_t part = c->iov->iov_len - c->off;
        part = part < len ? part : len;
        if (!discard) {
            memcpy((char *)c->iov->iov_base + c->off, data, part);
        }
        data += part;
        len -= part;
        c->off += part;
        if (c->off == c->iov->iov_len) {
            c->iov++;
            c->n--;
            c->off = 0;
        }
    }
}

/* Copy up to `want` bytes from the queue's head; the queue stays as it is. */
static size_t copy(struct tcp_sock *t, struct cursor *c, size_t want, bool discard)
{
    size_t done = 0;
    for (struct pbuf *p = t->rx_head; p != NULL && done < want; p = p->next) {
        size_t part = p->len < want - done ? p->len : want - done;
        put(c, p->payload, part, discard);
        done += part;
    }
    return done;
}

/*
 * As Linux's tcp_recvmsg(): with data in hand, the call ends at once for whatever ends the waiting;
 * without, it says why. Context: net_lock, which it lets go.
 */
static ssize_t receive_locked(struct file *f, const struct iovec *iov, size_t n, size_t want, int flags)
{
    struct tcp_sock *t = tcp_of(f);
    struct cursor c = { .iov = iov, .n = n };
    bool blocking = sock_blocking(f, flags);
    bool peek = (flags & MSG_PEEK) != 0;
    uint64_t deadline = 0;
    size_t done = 0;
    int r, failed = -EAGAIN;

    size_t target = (flags & MSG_WAITALL) != 0 && !peek ? want
                    : t->s.rcvlowat < want              ? t->s.rcvlowat
                                                        : want;
    for (;;) {
        r = sock_tcp_rx_state(t, target - done < t->s.rcvlowat ? target - done : t->s.rcvlowat);
        if (t->rx_bytes > 0 && (r == 1 || r == 0 || (r == -EAGAIN && !blocking))) {
            size_t part = copy(t, &c, want - done, (flags & MSG_TRUNC) != 0);
            done += part;
            if (!peek) {
                sock_tcp_rx_consume(t, part);
            }
            if (done >= target || peek) {
                break;
            }
            r = sock_tcp_rx_state(t, 1);
        }
        if (r != -EAGAIN || !blocking) {
            break;
        }
        net_unlock();
        deadline = deadline != 0 ? deadline : sock_deadline(t->s.rcvtimeo_ns);
        r = sock_wait(f, POLLIN, deadline);
        net_lock();
        if (r < 0) {
            failed = r;
            blocking = false; /* once more, for less than was wanted */
        }
    }
    if (done == 0 && r < 0 && r == -t->s.error) {
        sock_take_error(&t->s);
    }
    sock_tcp_update(t, 0);
    net_unlock();
    return done > 0 || r == 1 ? (ssize_t)done : r == -EAGAIN ? failed : r;
}

static ssize_t receive(struct file *f, const struct iovec *iov, size_t n, int flags)
{
    ssize_t total = sock_iov_bytes(iov, n);
    if (total < 0) {
        return total;
    }
    if ((flags & MSG_OOB) != 0) {
        return -EINVAL; /* there is never urgent data */
    }
    if ((flags & MSG_ERRQUEUE) != 0) {
        return -EAGAIN;
    }
    net_lock();
    return receive_locked(f, iov, n, (size_t)total, flags);
}

/* Move up to `len` bytes from the queue, which has some, to the program's buffer. */
static size_t take(struct tcp_sock *t, char *to, size_t len)
{
    size_t done = 0;
    do {
        struct pbuf *p = t->rx_head;
        size_t part = p->len < len - done ? p->len : len - done;
        memcpy(to + done, p->payload, part);
        done += part;
        if (part < p->len) {
            p->payload = (char *)p->payload + part;
            p->len = (u16_t)(p->len - part);
            break;
        }
        pop(t);
    } while (t->rx_head != NULL);
    t->rx_bytes -= (uint32_t)done;
    sock_tcp_rx_open_window(t, done);
    return done;
}

/*
 * The short way for one buffer: it waits until there is something and takes that, or leaves all that
 * is less common to receive_locked().
 */
ssize_t sock_tcp_recv(struct file *f, void *buf, size_t len, int flags)
{
    struct tcp_sock *t = tcp_of(f);
    struct iovec v = { buf, len };
    uint64_t deadline = 0;

    if (buf == NULL || len > PTRDIFF_MAX || (flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL)) != 0) {
        return receive(f, &v, 1, flags);
    }
    net_lock();
    while (t->rx_bytes == 0 || t->s.rcvlowat != 1) {
        if (!sock_tcp_plain(t) || t->s.rcvlowat != 1 || !sock_blocking(f, flags)) {
            return receive_locked(f, &v, 1, len, flags);
        }
        net_unlock();
        deadline = deadline != 0 ? deadline : sock_deadline(t->s.rcvtimeo_ns);
        int r = sock_wait(f, POLLIN, deadline);
        if (r < 0) {
            ssize_t n = receive(f, &v, 1, flags | MSG_DONTWAIT); /* it may have come just now */
            return n == -EAGAIN ? r : n;
        }
        net_lock();
    }
    size_t done = take(t, buf, len);
    if (!sock_tcp_plain(t)) {
        sock_tcp_update(t, 0);
    } else if (t->rx_bytes == 0) {
        sock_set_ready(&t->s, t->s.ready & ~(POLLIN | POLLRDNORM), 0);
    }
    net_unlock();
    return (ssize_t)done;
}

ssize_t sock_tcp_recvmsg(struct file *f, struct msghdr *msg, int flags)
{
    ssize_t r = receive(f, msg->msg_iov, msg->msg_iovlen, flags);
    if (r >= 0) {
        msg->msg_namelen = 0; /* as on Linux */
        msg->msg_controllen = 0;
        msg->msg_flags = 0;
    }
    return r;
}

ssize_t sock_tcp_read(struct file *f, void *buf, size_t len)
{
    return len == 0 ? 0 : sock_tcp_recv(f, buf, len, 0);
}

ssize_t sock_tcp_readv(struct file *f, const struct iovec *iov, int n)
{
    ssize_t total = sock_iov_bytes(iov, (size_t)n);
    return total <= 0 ? total : receive(f, iov, (size_t)n, 0);
}
