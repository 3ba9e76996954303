/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll as descriptors. */
#include <sys/epoll.h>

#include <errno.h>
#include <time.h>

#include <pith/anonfile.h>

#include "fd.h"
#include "polling.h"
#include "result.h"

int epoll_create1(int flags)
{
    struct file *f;
    if ((flags & ~EPOLL_CLOEXEC) != 0) {
        return (int)libc_result(-EINVAL);
    }
    int r = epoll_new(&f);
    return (int)libc_result(r < 0 ? r : fd_give(f));
}

int epoll_create(int size)
{
    return size > 0 ? epoll_create1(0) : (int)libc_result(-EINVAL);
}

int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    struct file *ep = fd_get(epfd);
    if (ep == NULL) {
        return (int)libc_result(-EBADF);
    }
    struct file *f = fd_get(fd);
    int r = -EBADF;
    if (f != NULL) {
        r = epoll_control(ep, op, fd, f, event);
        file_unref(f);
    }
    file_unref(ep);
    return (int)libc_result(r);
}

static int wait_until(int epfd, struct epoll_event *events, int max, uint64_t deadline)
{
    if (max <= 0) {
        return (int)libc_result(-EINVAL);
    }
    if (events == NULL) {
        return (int)libc_result(-EFAULT);
    }
    struct file *ep = fd_get(epfd);
    if (ep == NULL) {
        return (int)libc_result(-EBADF);
    }
    int r = epoll_take(ep, events, max, deadline);
    file_unref(ep);
    return (int)libc_result(r);
}

int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
    return wait_until(epfd, events, max, polling_deadline_ms(timeout_ms));
}

/* The masks mean nothing, as in ppoll(). */
int epoll_pwait(int epfd, struct epoll_event *events, int max, int timeout_ms,
                const sigset_t *mask)
{
    (void)mask;
    return wait_until(epfd, events, max, polling_deadline_ms(timeout_ms));
}

int epoll_pwait2(int epfd, struct epoll_event *events, int max, const struct timespec *timeout,
                 const sigset_t *mask)
{
    uint64_t deadline;
    (void)mask;
    int r = polling_deadline_ts(timeout, &deadline);
    return r < 0 ? (int)libc_result(r) : wait_until(epfd, events, max, deadline);
}
