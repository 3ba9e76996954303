/* SPDX-License-Identifier: BSD-2-Clause */
/* What sockets of all kinds share: creation, readiness, errors, waiting. */
#include "sock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include <lwip/ip.h>
#include <lwip/tcp.h>

#include <pith/exit.h>
#include <pith/iowait.h>
#include <pith/libc.h>
#include <pith/platform.h>

#include "sock_exit.h"
#include "sock_icmp.h"
#include "socket_open.h"

void sock_init(struct sock *s, const struct file_ops *ops, int domain, int type, int protocol,
               int flags)
{
    memset(s, 0, sizeof(*s));
    file_init(&s->file, ops, O_RDWR | (flags & O_NONBLOCK), s);
    pollq_init(&s->pollq);
    s->domain = (uint16_t)domain;
    s->type = (uint16_t)type;
    s->protocol = (uint16_t)protocol;
    s->rcvlowat = 1;
    s->mcast_ttl = 1;
    s->mcast_loop = true;
    s->ttl = 64;
    s->so_options = 0;
    if (domain == AF_INET6) {
        IP_SET_TYPE(&s->local.ip, IPADDR_TYPE_V6);
        IP_SET_TYPE(&s->remote.ip, IPADDR_TYPE_V6);
    }
}

int sock_ready(struct file *f, int events)
{
    return __atomic_load_n(&sock_of(f)->ready, __ATOMIC_ACQUIRE) & (events | POLLERR | POLLHUP);
}

struct pollq *sock_pollq(struct file *f)
{
    return &sock_of(f)->pollq;
}

int sock_fstat(struct file *f, struct stat *st)
{
    (void)f;
    st->st_mode = S_IFSOCK | 0777;
    st->st_nlink = 1;
    st->st_blksize = 4096;
    return 0;
}

int sock_take_error(struct sock *s)
{
    int error = s->error;
    s->error = 0;
    return -error;
}

uint64_t sock_deadline(uint64_t timeo_ns)
{
    uint64_t at;
    if (timeo_ns == 0 || __builtin_add_overflow(platform_clock_ns(), timeo_ns, &at)) {
        return UINT64_MAX;
    }
    return at;
}

bool sock_blocking(const struct file *f, int flags)
{
    return (flags & MSG_DONTWAIT) == 0 &&
           (__atomic_load_n(&f->flags, __ATOMIC_RELAXED) & O_NONBLOCK) == 0;
}

int sock_wait(struct file *f, int events, uint64_t deadline_ns)
{
    int r = file_wait(f, events, deadline_ns);
    return r == -ETIMEDOUT ? -EAGAIN : r;
}

ssize_t sock_pipe_signal(ssize_t r, int flags)
{
    if (r == -EPIPE && (flags & MSG_NOSIGNAL) == 0) {
        libc_broken_pipe();
    }
    return r;
}

ssize_t sock_iov_bytes(const struct iovec *iov, size_t n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        if (iov[i].iov_base == NULL && iov[i].iov_len != 0) {
            return -EFAULT;
        }
        if (__builtin_add_overflow(total, iov[i].iov_len, &total) || total > PTRDIFF_MAX) {
            return -EINVAL;
        }
    }
    return (ssize_t)total;
}

bool sock_is_tcp(const struct sock *s)
{
    return s->type == SOCK_STREAM;
}

/*
 * Which protocol a type has, and which are allowed with it; -EPROTONOSUPPORT, -ESOCKTNOSUPPORT as
 * inet_create() of Linux decides.
 */
static int choose_protocol(int domain, int type, int protocol)
{
    if (protocol < 0 || protocol >= IPPROTO_MAX) {
        return -EINVAL;
    }
    switch (type) {
    case SOCK_STREAM:
        return protocol == 0 || protocol == IPPROTO_TCP ? IPPROTO_TCP : -EPROTONOSUPPORT;
    case SOCK_DGRAM:
        if (protocol == (domain == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6)) {
            return -EPROTONOSUPPORT; /* ping sockets: Linux has them, we have raw ones */
        }
        return protocol == 0 || protocol == IPPROTO_UDP ? IPPROTO_UDP : -EPROTONOSUPPORT;
    default:
        return -ESOCKTNOSUPPORT;
    }
}

int inet_socket_open(int domain, int type, int protocol, struct file **out)
{
    int flags = type & ~0xf;
    type &= 0xf;
    if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) {
        return -EINVAL;
    }
    protocol = choose_protocol(domain, type, protocol);
    if (protocol < 0) {
        return protocol;
    }
    int r = net_start();
    if (r < 0) {
        return r;
    }
    net_lock();
    sock_icmp_listen();
    program_add_exit_hook(sock_exit);
    struct sock *s = protocol == IPPROTO_TCP ? sock_tcp_new(domain, flags)
                                             : sock_udp_new(domain, type, protocol, flags);
    net_unlock();
    if (s == NULL) {
        return -ENOBUFS;
    }
    *out = &s->file;
    return 0;
}
