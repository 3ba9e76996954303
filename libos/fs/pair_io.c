/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Socket pairs: sending and receiving. Behaviour is that of Linux's AF_UNIX sockets after
 * socketpair() (net/unix/af_unix.c), errors and their order included.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>

#include <pith/heap.h>
#include <pith/iowait.h>
#include <pith/libc.h>
#include <pith/platform.h>

#include "iovec.h"
#include "pair.h"

#define PIECE_MAX 16000u /* of a stream: so much in one block of memory */
#define OVERHEAD  704u   /* of a message, which makes as many small ones fit as on Linux */

static size_t charge_of(size_t len)
{
    return ((len + 63) & ~(size_t)63) + OVERHEAD;
}

static bool may_wait(const struct file *f, int flags)
{
    return (flags & MSG_DONTWAIT) == 0 &&
           (__atomic_load_n(&f->flags, __ATOMIC_RELAXED) & O_NONBLOCK) == 0;
}

static uint64_t deadline(const struct pair_end *e, int direction)
{
    uint64_t span = e->timeout_ns[direction];
    uint64_t now = platform_clock_ns();
    return span == 0 || now + span < now ? UINT64_MAX : now + span;
}

/* Wait; a timeout of the socket's is -EAGAIN. */
static int wait_for(struct file *f, int events, uint64_t until)
{
    int r = file_sleep(f, events, until);
    return r == -ETIMEDOUT ? -EAGAIN : r;
}

/* ---- sending ---- */

/* Why nothing can be sent any more, or 0. Context: lock held. */
static int refusal(struct pair_end *e)
{
    struct pair *p = e->pair;
    struct pair_end *peer = pair_peer(e);
    if (p->type == SOCK_SEQPACKET && e->error != 0) {
        return pair_take_error(e);
    }
    if (p->type == SOCK_DGRAM && e->disconnected) {
        return -ENOTCONN;
    }
    if (p->type == SOCK_DGRAM && p->closed[peer - p->end]) {
        e->disconnected = true;
        return -ECONNREFUSED;
    }
    return (e->shut & PAIR_SHUT_WRITE) || (peer->shut & PAIR_SHUT_READ) ? -EPIPE : 0;
}

/* Put one message into the peer's queue, with *rights, which become NULL. Returns len. */
static ssize_t try_send(struct pair_end *e, struct iov_cursor *from, size_t len,
                        struct pair_rights **rights)
{
    struct pair *p = e->pair;
    struct pair_end *peer = pair_peer(e);
    libc_mutex_lock(&p->lock);
    int r = refusal(e);
    if (r == 0 && peer->charge >= e->sndbuf) {
        r = -EAGAIN;
    }
    struct pair_message *m = r == 0 ? heap_alloc(sizeof(*m) + len) : NULL;
    if (m == NULL) {
        pthread_mutex_unlock(&p->lock);
        return r == 0 ? -ENOBUFS : r;
    }
    *m = (struct pair_message){ .len = len, .rights = *rights };
    *rights = NULL;
    iov_take(from, m->bytes, len);
    if (peer->last != NULL) {
        peer->last->next = m;
    } else {
        peer->first = m;
    }
    peer->last = m;
    peer->charge += charge_of(len);
    pthread_mutex_unlock(&p->lock);
    pair_notify(peer, POLLIN);
    return (ssize_t)len;
}

/* What of a msghdr a pair can't do. */
static int check_send(struct pair_end *e, const struct msghdr *msg, int flags)
{
    if (flags & MSG_OOB) {
        return -EOPNOTSUPP;
    }
    if (msg->msg_namelen != 0 && e->pair->type != SOCK_SEQPACKET) {
        return e->pair->type == SOCK_STREAM ? -EISCONN : -ENOENT;
    }
    return 0;
}

/* Send all: a stream in pieces, else in one. Returns how much went out, or why nothing did. */
static ssize_t send_all(struct file *f, const struct msghdr *msg, int flags,
                        struct pair_rights **rights)
{
    struct pair_end *e = pair_of(f);
    struct iov_cursor from = iov_begin(msg->msg_iov, (int)msg->msg_iovlen);
    size_t total = iov_total(msg->msg_iov, (int)msg->msg_iovlen), done = 0;
    bool stream = e->pair->type == SOCK_STREAM;
    uint64_t until = deadline(e, 1);
    if (!stream && total > e->sndbuf - 32) {
        return -EMSGSIZE;
    }
    if (stream && total == 0) {
        return 0;
    }
    do {
        size_t len = stream && total - done > PIECE_MAX ? PIECE_MAX : total - done;
        ssize_t r = try_send(e, &from, len, rights);
        if (r >= 0) {
            done += (size_t)r;
            continue;
        }
        if (r == -EAGAIN && may_wait(f, flags)) {
            r = wait_for(f, POLLOUT, until);
        }
        if (r < 0) {
            return done != 0 ? (ssize_t)done : r;
        }
    } while (done < total);
    return (ssize_t)done;
}

ssize_t pair_sendmsg(struct file *f, const struct msghdr *msg, int flags)
{
    struct pair_rights *rights = NULL;
    ssize_t r = check_send(pair_of(f), msg, flags);
    if (r == 0 && msg->msg_controllen != 0) {
        r = rights_take(msg, &rights);
    }
    if (r == 0) {
        r = send_all(f, msg, flags, &rights);
    }
    rights_free(rights);
    if (r == -EPIPE && pair_of(f)->pair->type == SOCK_STREAM && (flags & MSG_NOSIGNAL) == 0) {
        libc_broken_pipe();
    }
    return r;
}

/* ---- receiving ---- */

/* The first message has been used up: out with it. Context: lock held. */
static void drop_first(struct pair_end *e)
{
    struct pair_message *m = e->first;
    e->first = m->next;
    e->last = m->next != NULL ? e->last : NULL;
    e->charge -= charge_of(m->len);
    heap_free(m);
}

/*
 * Bytes of a stream, over the borders of messages, but none from behind one that came with files, as
 * on Linux. Context: lock held.
 */
static size_t take_bytes(struct pair_end *e, struct iov_cursor *to, bool peek,
                         struct pair_rights **rights)
{
    size_t done = 0;
    struct pair_message *m = e->first;
    while (m != NULL) {
        bool last = m->rights != NULL;
        if (last && !peek) {
            *rights = m->rights;
            m->rights = NULL;
        }
        size_t n = iov_give(to, m->bytes + m->at, m->len - m->at);
        bool whole = n == m->len - m->at;
        done += n;
        if (!peek) {
            m->at += n;
            if (whole) {
                drop_first(e);
            }
        }
        if (!whole || to->n == 0 || last) {
            break;
        }
        m = peek ? m->next : e->first;
    }
    return done;
}

/* One message; what doesn't fit is lost. Context: lock held. */
static size_t take_message(struct pair_end *e, struct iov_cursor *to, struct msghdr *msg, int flags,
                           struct pair_rights **rights)
{
    struct pair_message *m = e->first;
    size_t len = m->len;
    size_t n = iov_give(to, m->bytes, len);
    if (n < len) {
        msg->msg_flags |= MSG_TRUNC;
    }
    if ((flags & MSG_PEEK) == 0) {
        *rights = m->rights;
        drop_first(e);
    }
    return (flags & MSG_TRUNC) ? len : n;
}

/* What an empty queue means. Context: lock held. */
static ssize_t nothing(struct pair_end *e, bool waits)
{
    if (e->error != 0) {
        return pair_take_error(e);
    }
    bool ends = pair_connected(e->pair) || waits; /* datagrams: only for who would wait */
    return (e->shut & PAIR_SHUT_READ) && ends ? 0 : -EAGAIN;
}

static ssize_t try_receive(struct file *f, struct iov_cursor *to, struct msghdr *msg, int flags,
                           struct pair_rights **rights)
{
    struct pair_end *e = pair_of(f);
    struct pair *p = e->pair;
    ssize_t r;
    libc_mutex_lock(&p->lock);
    size_t before = e->charge;
    if (e->first == NULL || (p->type != SOCK_STREAM && e->error != 0)) {
        r = nothing(e, may_wait(f, flags));
    } else if (p->type == SOCK_STREAM) {
        r = (ssize_t)take_bytes(e, to, (flags & MSG_PEEK) != 0, rights);
    } else {
        r = (ssize_t)take_message(e, to, msg, flags, rights);
    }
    struct pair_end *peer = pair_peer(e);
    bool tell = before != e->charge && before * 4 > peer->sndbuf && e->charge * 4 <= peer->sndbuf;
    pthread_mutex_unlock(&p->lock);
    if (tell) {
        pair_notify(peer, POLLOUT);
    }
    return r;
}

ssize_t pair_recvmsg(struct file *f, struct msghdr *msg, int flags)
{
    struct pair_end *e = pair_of(f);
    struct iov_cursor to = iov_begin(msg->msg_iov, (int)msg->msg_iovlen);
    bool stream = e->pair->type == SOCK_STREAM;
    size_t want = iov_total(msg->msg_iov, (int)msg->msg_iovlen), done = 0;
    bool all = stream && (flags & MSG_WAITALL) && !(flags & MSG_PEEK);
    uint64_t until = deadline(e, 0);
    if (flags & MSG_OOB) {
        return -EOPNOTSUPP;
    }
    size_t room = msg->msg_controllen;
    msg->msg_flags = 0;
    msg->msg_namelen = 0;
    msg->msg_controllen = 0;
    if (stream && want == 0) {
        return 0;
    }
    for (;;) {
        struct pair_rights *rights = NULL;
        ssize_t r = try_receive(f, &to, msg, flags, &rights);
        if (r >= 0) {
            done += (size_t)r;
            if (rights != NULL) {
                msg->msg_controllen = room;
                rights_give(rights, msg, flags);
                return (ssize_t)done;
            }
            if (r == 0 || !all || done == want) {
                return (ssize_t)done;
            }
            continue;
        }
        if (r == -EAGAIN && may_wait(f, flags)) {
            r = wait_for(f, POLLIN, until);
        }
        if (r < 0) {
            return done != 0 ? (ssize_t)done : r;
        }
    }
}
