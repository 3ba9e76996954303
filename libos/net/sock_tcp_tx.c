/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP sockets: sending. The data is copied once, into segments as large as they may be. */
#include "sock_tcp.h"

#include <errno.h>
#include <poll.h>

#include <pith/platform.h>

int sock_tcp_tx_state(struct tcp_sock *t)
{
    switch (t->phase) {
    case PHASE_CONNECTING:
        return -EAGAIN;
    case PHASE_OPEN:
        if (t->s.error == 0 && (t->s.shutdown & SOCK_SHUT_WR) == 0 && t->pcb != NULL) {
            return 0;
        }
        break;
    default:
        break;
    }
    return t->s.error != 0 ? -t->s.error : -EPIPE;
}

ssize_t sock_tcp_tx_end(struct tcp_sock *t, size_t done, ssize_t r)
{
    if (done == 0 && r < 0 && r == -t->s.error) {
        sock_take_error(&t->s);
    }
    sock_tcp_update(t, 0);
    return done > 0 || r >= 0 ? (ssize_t)done : r;
}

void sock_tcp_tx_push(struct tcp_sock *t, bool more)
{
    if (t->pcb == NULL) {
        return;
    }
    const struct tcp_seg *seg = t->pcb->unsent;
    if ((more || t->cork) && seg != NULL && seg->next == NULL && seg->len < t->pcb->mss) {
        return; /* the rest goes into the same segment; lwIP's timer sends it in 500 ms at last */
    }
    tcp_output(t->pcb);
}

static inline void count_queued(struct tcp_sock *t, size_t n)
{
    if (t->tx_used == 0 && t->user_timeout_ms != 0) {
        t->tx_progress_ns = platform_clock_ns();
    }
    t->tx_used += (uint32_t)n;
}

ssize_t sock_tcp_tx_queue(struct tcp_sock *t, const void *data, size_t len, uint8_t apiflags)
{
    size_t done = 0;
    uint32_t room = sock_tcp_room(t);
    len = len < room ? len : room;
    while (done < len) {
        size_t part = len - done < 0xffff ? len - done : 0xffff;
        uint8_t last = done + part < len ? TCP_WRITE_FLAG_MORE : 0;
        err_t err = tcp_write(t->pcb, (const char *)data + done, (u16_t)part, apiflags | last);
        if (err == ERR_MEM) {
            /* Wait for an ACK to give some back, where there is one to come. */
            t->tx_nomem = t->tx_used + done > 0;
            break;
        }
        if (err != ERR_OK) {
            return done > 0 ? (ssize_t)done : -EPIPE;
        }
        done += part;
    }
    if (done > 0) {
        count_queued(t, done);
        return (ssize_t)done;
    }
    return len == 0 || t->tx_nomem ? -EAGAIN : -ENOBUFS;
}

/* Queue as much of the buffers as there is room for, from byte `skip` on. */
static ssize_t queue_iov(struct tcp_sock *t, const struct iovec *iov, size_t n, size_t skip,
                         uint8_t apiflags)
{
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        if (skip >= iov[i].iov_len) {
            skip -= iov[i].iov_len;
            continue;
        }
        size_t len = iov[i].iov_len - skip;
        uint8_t more = i + 1 < n ? TCP_WRITE_FLAG_MORE : 0;
        ssize_t r = sock_tcp_tx_queue(t, (const char *)iov[i].iov_base + skip, len,
                                 TCP_WRITE_FLAG_COPY | more | apiflags);
        skip = 0;
        if (r < 0) {
            return done > 0 ? (ssize_t)done : r;
        }
        done += (size_t)r;
        if ((size_t)r < len) {
            break;
        }
    }
    return (ssize_t)done;
}

/* Context: net_lock, which it lets go. */
static ssize_t transmit_locked(struct file *f, const struct iovec *iov, size_t n, size_t total, int flags)
{
    struct tcp_sock *t = tcp_of(f);
    bool blocking = sock_blocking(f, flags);
    bool more = (flags & MSG_MORE) != 0;
    uint64_t deadline = 0;
    size_t done = 0;
    ssize_t r;

    for (;;) {
        r = sock_tcp_tx_state(t);
        if (r == 0) {
            r = queue_iov(t, iov, n, done, more ? TCP_WRITE_FLAG_MORE : 0);
            if (r >= 0) {
                done += (size_t)r;
                if (done == total) {
                    break;
                }
                r = -EAGAIN;
            }
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
    r = sock_tcp_tx_end(t, done, r);
    net_unlock();
    return sock_pipe_signal(r, flags);
}

static ssize_t transmit(struct file *f, const struct iovec *iov, size_t n, int flags)
{
    ssize_t total = sock_iov_bytes(iov, n);
    if (total < 0) {
        return total;
    }
    if ((flags & MSG_OOB) != 0) {
        return -EOPNOTSUPP;
    }
    net_lock();
    return transmit_locked(f, iov, n, (size_t)total, flags);
}

ssize_t sock_tcp_sendmsg(struct file *f, const struct msghdr *msg, int flags)
{
    return transmit(f, msg->msg_iov, msg->msg_iovlen, flags);
}

/* What all of fits into the queues is sent by a short way; it differs in nothing that shows. */
ssize_t sock_tcp_send(struct file *f, const void *buf, size_t len, int flags)
{
    struct tcp_sock *t = tcp_of(f);
    struct iovec v = { (void *)(uintptr_t)buf, len };
    bool more = (flags & MSG_MORE) != 0;

    if (buf == NULL || len > PTRDIFF_MAX || (flags & MSG_OOB) != 0) {
        return transmit(f, &v, 1, flags);
    }
    net_lock();
    if (!sock_tcp_plain(t) || t->pcb == NULL || len > 0xffff || len > sock_tcp_room(t) ||
        tcp_write(t->pcb, buf, (u16_t)len,
                  more ? TCP_WRITE_FLAG_COPY | TCP_WRITE_FLAG_MORE : TCP_WRITE_FLAG_COPY) != ERR_OK) {
        return transmit_locked(f, &v, 1, len, flags);
    }
    count_queued(t, len);
    sock_tcp_tx_push(t, more);
    if (!sock_tcp_plain(t) || !sock_tcp_writable(t)) {
        sock_tcp_update(t, 0); /* else what could be written still can */
    }
    net_unlock();
    return (ssize_t)len;
}

ssize_t sock_tcp_write(struct file *f, const void *buf, size_t len)
{
    return sock_tcp_send(f, buf, len, 0);
}

ssize_t sock_tcp_writev(struct file *f, const struct iovec *iov, int n)
{
    return transmit(f, iov, (size_t)n, 0);
}
