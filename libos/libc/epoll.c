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
    return (int)libc_result(r < 0 ? r : fd_give(f, flags));
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

struct taking {
    int epfd;
    struct epoll_event *events;
    int max;
    uint64_t deadline;
};

static int take_once(void *arg)
{
    const struct taking *t = arg;
    struct file *ep = fd_get(t->epfd);
    if (ep == NULL) {
        return -EBADF;
    }
    int r = epoll_take(ep, t->events, t->max, t->deadline);
    file_unref(ep);
    return r;
}

static inline int wait_until(int epfd, struct epoll_event *events, int max, uint64_t deadline,
                             const sigset_t *mask)
{
    struct taking t = { epfd, events, max, deadline };
    if (max <= 0) {
        return (int)libc_result(-EINVAL);
    }
    if (events == NULL) {
        return (int)libc_result(-EFAULT);
    }
    if (mask != NULL) {
        return (int)libc_result(polling_masked(take_once, &t, mask));
    }
    libc_point();
    return (int)libc_result(polling_plain(take_once, &t));
}

int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
    return wait_until(epfd, events, max, polling_deadline_ms(timeout_ms), NULL);
}

int epoll_pwait(int epfd, struct epoll_event *events, int max, int timeout_ms,
                const sigset_t *mask)
{
    return wait_until(epfd, events, max, polling_deadline_ms(timeout_ms), mask);
}

int epoll_pwait2(int epfd, struct epoll_event *events, int max, const struct timespec *timeout,
                 const sigset_t *mask)
{
    uint64_t deadline;
    int r = polling_deadline_ts(timeout, &deadline);
    return r < 0 ? (int)libc_result(r) : wait_until(epfd, events, max, deadline, mask);
}
