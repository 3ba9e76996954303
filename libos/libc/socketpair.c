/* SPDX-License-Identifier: BSD-2-Clause */
/* socketpair(). It knows AF_UNIX alone, and socket() doesn't: neither brings the other's code. */
#include <errno.h>
#include <sys/socket.h>

#include <pith/anonfile.h>

#include "fd.h"
#include "result.h"

#define TYPE_MAX 10 /* SOCK_PACKET, the last that Linux has a number for */

static int make(int domain, int type, int protocol, int fds[2])
{
    struct file *ends[2];
    int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    kind = kind == SOCK_RAW ? SOCK_DGRAM : kind; /* as Linux, for BSD's sake */
    if (domain != AF_UNIX) {
        return domain == AF_INET || domain == AF_INET6 ? -EOPNOTSUPP : -EAFNOSUPPORT;
    }
    if (protocol != 0 && protocol != PF_UNIX) {
        return -EPROTONOSUPPORT;
    }
    if (kind != SOCK_STREAM && kind != SOCK_DGRAM && kind != SOCK_SEQPACKET) {
        return kind < 0 || kind > TYPE_MAX ? -EINVAL : -ESOCKTNOSUPPORT;
    }
    if (fds == NULL) {
        return -EFAULT;
    }
    int r = socketpair_new(ends, kind, type & SOCK_NONBLOCK);
    return r < 0 ? r : fd_give_two(ends, fds, type);
}

int socketpair(int domain, int type, int protocol, int fds[2])
{
    return (int)libc_result(make(domain, type, protocol, fds));
}
