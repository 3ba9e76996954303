/* SPDX-License-Identifier: BSD-2-Clause */
/* Several messages by one call: sendmmsg(), recvmmsg(). An error after the first is a count. */
#include <sys/socket.h>
#include <time.h>

#include <pith/platform.h>

#include "deadline.h"
#include "point.h"
#include "result.h"
#include "socket_get.h"
#include "socket_msg.h"

static ssize_t sendmmsg_once(int fd, struct mmsghdr *msgs, unsigned int n, int flags)
{
    struct file *f;
    ssize_t r = socket_get(fd, &f);
    if (r < 0) {
        return r;
    }
    unsigned done = 0;
    n = n < IOV_MAX ? n : IOV_MAX;
    while (done < n && (r = socket_send(f, &msgs[done].msg_hdr, flags)) >= 0) {
        msgs[done++].msg_len = (unsigned)r;
    }
    file_unref(f);
    return done > 0 || r >= 0 ? (ssize_t)done : r;
}

int sendmmsg(int fd, struct mmsghdr *msgs, unsigned int n, int flags)
{
    ssize_t r;
    LIBC_RESTARTING(r, sendmmsg_once(fd, msgs, n, flags));
    return (int)libc_result(r);
}

/* As on Linux the timeout is looked at after each message only (recvmmsg(2), BUGS). */
static ssize_t recvmmsg_once(int fd, struct mmsghdr *msgs, unsigned int n, int flags, struct timespec *timeout)
{
    struct file *f;
    uint64_t end = NO_DEADLINE, span;
    ssize_t r = socket_get(fd, &f);
    if (r < 0) {
        return r;
    }
    if (timeout != NULL) {
        r = span_ns(timeout, &span);
        if (r == 0 && __builtin_add_overflow(platform_clock_ns(), span, &end)) {
            end = NO_DEADLINE;
        }
    }
    unsigned done = 0;
    n = n < IOV_MAX ? n : IOV_MAX;
    while (r >= 0 && done < n) {
        r = socket_receive(f, &msgs[done].msg_hdr, flags & ~MSG_WAITFORONE);
        if (r < 0) {
            break;
        }
        msgs[done++].msg_len = (unsigned)r;
        if ((flags & MSG_WAITFORONE) != 0) {
            flags |= MSG_DONTWAIT;
        }
        if (end != NO_DEADLINE && platform_clock_ns() >= end) {
            break;
        }
    }
    file_unref(f);
    return done > 0 || r >= 0 ? (ssize_t)done : r;
}

int recvmmsg(int fd, struct mmsghdr *msgs, unsigned int n, int flags, struct timespec *timeout)
{
    ssize_t r;
    LIBC_RESTARTING(r, recvmmsg_once(fd, msgs, n, flags, timeout));
    return (int)libc_result(r);
}
