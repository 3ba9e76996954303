/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_UNIX sockets with names as files; the family is found by socket() where <sys/un.h> pulls it. */
#include "unix.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include <pith/anonfile.h>
#include <pith/heap.h>

#define TYPE_MAX 10 /* SOCK_PACKET, the last that Linux has a number for */

static ssize_t sock_readv(struct file *f, const struct iovec *v, int n)
{
    struct msghdr msg = { .msg_iov = (struct iovec *)(uintptr_t)v, .msg_iovlen = (size_t)n };
    return unix_socket_ops.recvmsg(f, &msg, 0);
}

static ssize_t sock_writev(struct file *f, const struct iovec *v, int n)
{
    struct msghdr msg = { .msg_iov = (struct iovec *)(uintptr_t)v, .msg_iovlen = (size_t)n };
    return unix_socket_ops.sendmsg(f, &msg, 0);
}

static ssize_t sock_read(struct file *f, void *buf, size_t len)
{
    struct iovec v = { buf, len };
    return sock_readv(f, &v, 1);
}

static ssize_t sock_write(struct file *f, const void *buf, size_t len)
{
    struct iovec v = { (void *)(uintptr_t)buf, len };
    return sock_writev(f, &v, 1);
}

static int sock_fstat(struct file *f, struct stat *st)
{
    struct unix_sock *s = unix_sock(f);
    return s->end->ops->fstat(s->end, st);
}

static int sock_ioctl(struct file *f, unsigned long request, void *arg)
{
    struct unix_sock *s = unix_sock(f);
    return s->listening ? -EINVAL : s->end->ops->ioctl(s->end, request, arg);
}

static int sock_ready(struct file *f, int events)
{
    struct unix_sock *s = unix_sock(f);
    if (__atomic_load_n(&s->connected, __ATOMIC_ACQUIRE)) {
        return s->end->ops->ready(s->end, events);
    }
    libc_mutex_lock(&s->lock);
    int now = s->first != NULL ? POLLIN | POLLRDNORM : 0;
    now |= s->listening ? 0 : POLLOUT | POLLWRNORM | POLLWRBAND | POLLHUP;
    pthread_mutex_unlock(&s->lock);
    return now & (events | POLLERR | POLLHUP);
}

static struct pollq *sock_pollq(struct file *f)
{
    return &unix_sock(f)->q;
}

static void set_outer(struct file *end, struct pollq *q)
{
    struct pair_end *e = pair_of(end);
    libc_mutex_lock(&e->pair->lock);
    e->outer = q;
    pthread_mutex_unlock(&e->pair->lock);
}

/* Tell who connected that nobody is going to accept it. */
static void reset_peer(struct file *end)
{
    struct pair_end *e = pair_of(end);
    libc_mutex_lock(&e->pair->lock);
    pair_peer(e)->error = ECONNRESET;
    pthread_mutex_unlock(&e->pair->lock);
}

static void sock_close(struct file *f)
{
    struct unix_sock *s = unix_sock(f);
    unix_unbind(s);
    libc_mutex_lock(&s->lock);
    struct unix_sock *waiting = s->first;
    s->first = s->last = NULL;
    s->listening = false;
    pthread_cond_broadcast(&s->room);
    pthread_mutex_unlock(&s->lock);
    while (waiting != NULL) {
        struct unix_sock *next = waiting->next;
        reset_peer(waiting->end);
        file_unref(&waiting->file);
        waiting = next;
    }
    set_outer(s->end, NULL);
    pollq_close(&s->q);
    file_unref(s->end);
    if (s->other != NULL) {
        file_unref(s->other);
    }
    unix_name_unref(s->name);
    unix_name_unref(s->peer);
    heap_free(s);
}

static const struct file_ops unix_ops = {
    .read = sock_read,
    .write = sock_write,
    .readv = sock_readv,
    .writev = sock_writev,
    .fstat = sock_fstat,
    .ioctl = sock_ioctl,
    .ready = sock_ready,
    .pollq = sock_pollq,
    .socket = &unix_socket_ops,
    .close = sock_close,
};

struct unix_sock *unix_new(int type, int flags, struct file *end, struct file *other)
{
    struct unix_sock *s = heap_alloc(sizeof(*s));
    if (s == NULL) {
        return NULL;
    }
    *s = (struct unix_sock){ .type = type, .end = end, .other = other,
                             .lock = PTHREAD_MUTEX_INITIALIZER, .room = PTHREAD_COND_INITIALIZER };
    pollq_init(&s->q);
    file_init(&s->file, &unix_ops, O_RDWR | flags, s);
    set_outer(end, &s->q);
    return s;
}

static int unix_open(int type, int protocol, struct file **out)
{
    struct file *ends[2];
    int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (protocol != 0 && protocol != PF_UNIX) {
        return -EPROTONOSUPPORT;
    }
    if (kind != SOCK_STREAM && kind != SOCK_SEQPACKET) {
        return kind < 0 || kind > TYPE_MAX ? -EINVAL : -ESOCKTNOSUPPORT;
    }
    int r = socketpair_new(ends, kind, 0);
    if (r < 0) {
        return r;
    }
    struct unix_sock *s = unix_new(kind, type & SOCK_NONBLOCK, ends[0], ends[1]);
    if (s == NULL) {
        file_unref(ends[0]);
        file_unref(ends[1]);
        return -ENOMEM;
    }
    *out = &s->file;
    return 0;
}

SOCKET_FAMILY unix_family = { .domain = AF_UNIX, .open = unix_open };
