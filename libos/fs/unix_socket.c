/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls on AF_UNIX sockets with names: listening, connecting, accepting; data are the pair's
 * business. Errors and their order are those of Linux (net/unix/af_unix.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>

#include <pith/attention.h>
#include <pith/iowait.h>
#include <pith/libc.h>
#include <pith/platform.h>

#include "unix.h"

#define BACKLOG_MAX 4096u /* Linux net.core.somaxconn */

static bool may_wait(const struct file *f)
{
    return (__atomic_load_n(&f->flags, __ATOMIC_RELAXED) & O_NONBLOCK) == 0;
}

/* The end to send or receive by, which waits as the socket does; NULL: not connected. */
static struct file *end_of(struct file *f)
{
    struct unix_sock *s = unix_sock(f);
    if (!__atomic_load_n(&s->connected, __ATOMIC_ACQUIRE)) {
        return NULL;
    }
    __atomic_store_n(&s->end->flags, __atomic_load_n(&f->flags, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    return s->end;
}

static int sock_bind(struct file *f, const struct sockaddr *addr, socklen_t len)
{
    return unix_bind(unix_sock(f), addr, len);
}

static int sock_listen(struct file *f, int backlog)
{
    struct unix_sock *s = unix_sock(f);
    struct unix_name *name = unix_name_of(s);
    int r = name == NULL ? -EINVAL : 0;
    unix_name_unref(name);
    libc_mutex_lock(&s->lock);
    if (s->connected) {
        r = -EINVAL;
    }
    if (r == 0) {
        s->listening = true;
        s->backlog = backlog < 0 || (unsigned)backlog > BACKLOG_MAX ? BACKLOG_MAX : (unsigned)backlog;
        pthread_cond_broadcast(&s->room);
    }
    pthread_mutex_unlock(&s->lock);
    return r;
}

/* Put the other end of s into the listener's queue as a socket. Context: s->lock held. */
static int enqueue(struct unix_sock *s, struct unix_sock *listener, struct unix_sock *fresh, bool wait)
{
    int r = 0;
    libc_mutex_lock(&listener->lock);
    while (r == 0 && listener->listening && listener->nwaiting > listener->backlog && wait) {
        r = libc_cond_wait(&listener->room, &listener->lock, ATTENTION_ALL);
    }
    if (r == 0 && !listener->listening) {
        r = -ECONNREFUSED;
    } else if (r == 0 && listener->nwaiting > listener->backlog) {
        r = -EAGAIN;
    } else if (r == 0) {
        fresh->peer = unix_name_of(s);
        s->peer = unix_name_of(listener);
        fresh->name = unix_name_of(listener);
        s->other = NULL;
        if (listener->last != NULL) {
            listener->last->next = fresh;
        } else {
            listener->first = fresh;
        }
        listener->last = fresh;
        listener->nwaiting++;
        __atomic_store_n(&s->connected, true, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&listener->lock);
    if (r == 0) {
        pollq_notify(&listener->q, POLLIN);
    }
    return r;
}

static int connect_to(struct unix_sock *s, struct unix_sock *listener, bool wait)
{
    if (s->type != listener->type) {
        return -EPROTOTYPE;
    }
    if (s->connected || s->listening) {
        return s->connected ? -EISCONN : -EINVAL;
    }
    struct unix_sock *fresh = unix_new(s->type, 0, s->other, NULL);
    if (fresh == NULL) {
        return -ENOMEM;
    }
    fresh->connected = true;
    int r = enqueue(s, listener, fresh, wait);
    if (r != 0) { /* the end stays ours */
        file_ref(s->other);
        file_unref(&fresh->file);
    }
    return r;
}

static int sock_connect(struct file *f, const struct sockaddr *addr, socklen_t len)
{
    struct unix_sock *s = unix_sock(f), *listener;
    int r = unix_find(addr, len, &listener);
    if (r != 0) {
        return r;
    }
    libc_mutex_lock(&s->lock);
    r = listener == s ? -EINVAL : connect_to(s, listener, may_wait(f));
    pthread_mutex_unlock(&s->lock);
    if (r == 0) {
        pollq_notify(&s->q, POLLOUT);
    }
    file_unref(&listener->file);
    return r;
}

static struct unix_sock *take_waiting(struct unix_sock *s, int *r)
{
    libc_mutex_lock(&s->lock);
    struct unix_sock *first = s->first;
    *r = !s->listening ? -EINVAL : first == NULL ? -EAGAIN : 0;
    if (first != NULL) {
        s->first = first->next;
        s->last = s->first != NULL ? s->last : NULL;
        s->nwaiting--;
        pthread_cond_broadcast(&s->room);
    }
    pthread_mutex_unlock(&s->lock);
    return first;
}

static int sock_accept(struct file *f, int flags, struct sockaddr *addr, socklen_t *len,
                       struct file **out)
{
    struct unix_sock *s = unix_sock(f), *fresh;
    int r;
    while ((fresh = take_waiting(s, &r)) == NULL) {
        if (r != -EAGAIN || !may_wait(f)) {
            return r;
        }
        uint64_t ns = pair_of(s->end)->timeout_ns[0], now = platform_clock_ns();
        r = file_sleep(f, POLLIN, ns == 0 || now + ns < now ? UINT64_MAX : now + ns);
        if (r < 0) {
            return r == -ETIMEDOUT ? -EAGAIN : r;
        }
    }
    fresh->file.flags |= flags & SOCK_NONBLOCK;
    if (addr != NULL) {
        unix_name_give(fresh->peer, addr, len);
    }
    *out = &fresh->file;
    return 0;
}

static int sock_getsockname(struct file *f, struct sockaddr *addr, socklen_t *len)
{
    struct unix_name *name = unix_name_of(unix_sock(f));
    unix_name_give(name, addr, len);
    unix_name_unref(name);
    return 0;
}

static int sock_getpeername(struct file *f, struct sockaddr *addr, socklen_t *len)
{
    struct unix_sock *s = unix_sock(f);
    if (end_of(f) == NULL) {
        return -ENOTCONN;
    }
    unix_name_give(s->peer, addr, len); /* set before `connected`, for good */
    return 0;
}

static ssize_t sock_sendmsg(struct file *f, const struct msghdr *msg, int flags)
{
    struct file *end = end_of(f);
    return end == NULL ? -ENOTCONN : pair_sendmsg(end, msg, flags);
}

static ssize_t sock_recvmsg(struct file *f, struct msghdr *msg, int flags)
{
    struct file *end = end_of(f);
    if (end == NULL) {
        return unix_sock(f)->type == SOCK_STREAM ? -EINVAL : -ENOTCONN;
    }
    return pair_recvmsg(end, msg, flags);
}

static int sock_setsockopt(struct file *f, int level, int name, const void *value, socklen_t len)
{
    return pair_socket_ops.setsockopt(unix_sock(f)->end, level, name, value, len);
}

static int sock_getsockopt(struct file *f, int level, int name, void *value, socklen_t *len)
{
    struct unix_sock *s = unix_sock(f);
    int r = pair_socket_ops.getsockopt(s->end, level, name, value, len);
    if (r == 0 && name == SO_ACCEPTCONN && *len == sizeof(int)) {
        *(int *)value = s->listening;
    }
    return r;
}

static int sock_shutdown(struct file *f, int how)
{
    return pair_socket_ops.shutdown(unix_sock(f)->end, how); /* of an unconnected one, too */
}

const struct socket_ops unix_socket_ops = {
    .bind = sock_bind,
    .connect = sock_connect,
    .listen = sock_listen,
    .accept = sock_accept,
    .getsockname = sock_getsockname,
    .getpeername = sock_getpeername,
    .sendmsg = sock_sendmsg,
    .recvmsg = sock_recvmsg,
    .setsockopt = sock_setsockopt,
    .getsockopt = sock_getsockopt,
    .shutdown = sock_shutdown,
};
