/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket pairs: options, names, shutdown. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/time.h>

#include "pair.h"

#define NS_PER_SECOND 1000000000ull
#define SNDBUF_MIN    4608u /* Linux SOCK_MIN_SNDBUF */
#define RCVBUF_MIN    2304u /* Linux SOCK_MIN_RCVBUF */
#define BUFFER_MAX    212992u /* Linux net.core.wmem_max, before it is doubled */

static int set_timeout(uint64_t *out, const void *value, socklen_t len)
{
    struct timeval tv;
    if (len < sizeof(tv)) {
        return -EINVAL;
    }
    memcpy(&tv, value, sizeof(tv));
    if (tv.tv_usec < 0 || tv.tv_usec >= 1000000) {
        return -EDOM;
    }
    bool none = tv.tv_sec < 0 || (uint64_t)tv.tv_sec > UINT64_MAX / NS_PER_SECOND - 1;
    uint64_t ns = (uint64_t)tv.tv_sec * NS_PER_SECOND + (uint64_t)tv.tv_usec * 1000;
    *out = none ? 0 : ns;
    return 0;
}

/* Buffers are given doubled, as Linux does for its own overhead (socket(7)). */
static unsigned buffer_size(int wanted, unsigned least)
{
    unsigned size = wanted < 0 || (unsigned)wanted > BUFFER_MAX ? BUFFER_MAX : (unsigned)wanted;
    return 2 * size < least ? least : 2 * size;
}

static int pair_setsockopt(struct file *f, int level, int name, const void *value, socklen_t len)
{
    struct pair_end *e = pair_of(f);
    int v;
    if (level != SOL_SOCKET) {
        return -EOPNOTSUPP;
    }
    if (value == NULL) {
        return -EFAULT;
    }
    if (name == SO_RCVTIMEO || name == SO_SNDTIMEO) {
        return set_timeout(&e->timeout_ns[name == SO_SNDTIMEO], value, len);
    }
    if (name == SO_LINGER) {
        return len < sizeof(struct linger) ? -EINVAL : 0; /* means nothing here */
    }
    if (len < sizeof(v)) {
        return -EINVAL;
    }
    memcpy(&v, value, sizeof(v));
    switch (name) {
    case SO_SNDBUF:
    case SO_SNDBUFFORCE:
        e->sndbuf = buffer_size(v, SNDBUF_MIN);
        return 0;
    case SO_RCVBUF:
    case SO_RCVBUFFORCE:
        e->rcvbuf = buffer_size(v, RCVBUF_MIN); /* told back; the sender's buffer is what counts */
        return 0;
    case SO_PASSCRED:
        e->passcred = v != 0;
        return 0;
    case SO_REUSEADDR:
    case SO_KEEPALIVE:
    case SO_BROADCAST:
    case SO_OOBINLINE:
    case SO_PRIORITY:
    case SO_RCVLOWAT:
        return 0; /* accepted, without an effect */
    default:
        return -ENOPROTOOPT;
    }
}

/* The value of an int option; false: there is none of that name. */
static bool int_option(struct pair_end *e, int name, int *v)
{
    switch (name) {
    case SO_TYPE:
        *v = e->pair->type;
        return true;
    case SO_DOMAIN:
        *v = AF_UNIX;
        return true;
    case SO_ERROR:
        libc_mutex_lock(&e->pair->lock);
        *v = -pair_take_error(e);
        pthread_mutex_unlock(&e->pair->lock);
        return true;
    case SO_SNDBUF:
        *v = (int)e->sndbuf;
        return true;
    case SO_RCVBUF:
        *v = (int)e->rcvbuf;
        return true;
    case SO_PASSCRED:
        *v = e->passcred;
        return true;
    case SO_RCVLOWAT:
        *v = 1;
        return true;
    case SO_PROTOCOL:
    case SO_ACCEPTCONN:
    case SO_REUSEADDR:
    case SO_KEEPALIVE:
    case SO_BROADCAST:
    case SO_OOBINLINE:
    case SO_PRIORITY:
        *v = 0;
        return true;
    default:
        return false;
    }
}

static int give(const void *from, size_t size, void *value, socklen_t *len)
{
    *len = *len < size ? *len : (socklen_t)size;
    memcpy(value, from, *len);
    return 0;
}

static int pair_getsockopt(struct file *f, int level, int name, void *value, socklen_t *len)
{
    struct pair_end *e = pair_of(f);
    int v;
    if (value == NULL || len == NULL) {
        return -EFAULT;
    }
    if (level != SOL_SOCKET) {
        return -EOPNOTSUPP;
    }
    if ((int)*len < 0) {
        return -EINVAL;
    }
    if (name == SO_RCVTIMEO || name == SO_SNDTIMEO) {
        uint64_t ns = e->timeout_ns[name == SO_SNDTIMEO];
        struct timeval tv = { .tv_sec = (time_t)(ns / NS_PER_SECOND),
                              .tv_usec = (suseconds_t)(ns % NS_PER_SECOND / 1000) };
        return give(&tv, sizeof(tv), value, len);
    }
    if (name == SO_LINGER) {
        struct linger none = { 0, 0 };
        return give(&none, sizeof(none), value, len);
    }
    if (name == SO_PEERCRED) {
        struct ucred us = { .pid = 1, .uid = 0, .gid = 0 };
        return give(&us, sizeof(us), value, len);
    }
    return int_option(e, name, &v) ? give(&v, sizeof(v), value, len) : -ENOPROTOOPT;
}

/* The ends have no names: the family alone. */
static int pair_name(struct file *f, struct sockaddr *addr, socklen_t *len)
{
    sa_family_t family = AF_UNIX;
    (void)f;
    memcpy(addr, &family, *len < sizeof(family) ? *len : sizeof(family));
    *len = sizeof(family);
    return 0;
}

static int pair_shutdown(struct file *f, int how)
{
    struct pair_end *e = pair_of(f), *peer = pair_peer(e);
    if (how < SHUT_RD || how > SHUT_RDWR) {
        return -EINVAL;
    }
    int bits = how + 1; /* SHUT_RD 0, SHUT_WR 1, SHUT_RDWR 2: the bits are 1, 2, 3 */
    libc_mutex_lock(&e->pair->lock);
    e->shut |= bits;
    if (pair_connected(e->pair)) {
        peer->shut |= (bits & PAIR_SHUT_READ ? PAIR_SHUT_WRITE : 0) |
                      (bits & PAIR_SHUT_WRITE ? PAIR_SHUT_READ : 0);
    }
    pthread_mutex_unlock(&e->pair->lock);
    pair_notify(e, POLLIN | POLLOUT | POLLHUP);
    pair_notify(peer, POLLIN | POLLOUT | POLLHUP);
    return 0;
}

static int pair_isconn(struct file *f, const struct sockaddr *addr, socklen_t len)
{
    (void)addr;
    (void)len;
    return pair_of(f)->pair->type == SOCK_DGRAM ? -ECONNREFUSED : -EISCONN;
}

static int pair_listen(struct file *f, int backlog)
{
    (void)backlog;
    return pair_of(f)->pair->type == SOCK_DGRAM ? -EOPNOTSUPP : -EINVAL;
}

static int pair_accept(struct file *f, int flags, struct sockaddr *addr, socklen_t *len,
                       struct file **out)
{
    (void)flags;
    (void)addr;
    (void)len;
    (void)out;
    return pair_of(f)->pair->type == SOCK_DGRAM ? -EOPNOTSUPP : -EINVAL;
}

const struct socket_ops pair_socket_ops = {
    .connect = pair_isconn,
    .listen = pair_listen,
    .accept = pair_accept,
    .getsockname = pair_name,
    .getpeername = pair_name,
    .sendmsg = pair_sendmsg,
    .recvmsg = pair_recvmsg,
    .setsockopt = pair_setsockopt,
    .getsockopt = pair_getsockopt,
    .shutdown = pair_shutdown,
};
