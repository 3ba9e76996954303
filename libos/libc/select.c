/* SPDX-License-Identifier: BSD-2-Clause */
/* select() and pselect(), over the wait that poll() has. */
#include <errno.h>
#include <string.h>
#include <sys/select.h>
#include <sys/time.h>

#include <pith/heap.h>

#include "polling.h"
#include "result.h"

/* Which events make a descriptor a member of each set; Linux fs/select.c. */
#define READ_EVENTS   (POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR)
#define WRITE_EVENTS  (POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR)
#define EXCEPT_EVENTS POLLPRI
#define ON_STACK      32u

struct sets {
    int nfds;
    fd_set *set[3];
};

static const short set_events[3] = { READ_EVENTS, WRITE_EVENTS, EXCEPT_EVENTS };

/* Which sets hold fd: bit i for set i. */
static unsigned sets_with(const struct sets *s, int fd)
{
    unsigned in = 0;
    for (unsigned i = 0; i < 3; i++) {
        in |= s->set[i] != NULL && FD_ISSET(fd, s->set[i]) ? 1u << i : 0;
    }
    return in;
}

/* The descriptors of all sets, in order; returns how many. `fds` may be NULL to count them. */
static unsigned collect(const struct sets *s, struct pollfd *fds)
{
    unsigned n = 0;
    for (int fd = 0; fd < s->nfds; fd++) {
        unsigned in = sets_with(s, fd);
        if (in != 0 && fds != NULL) {
            fds[n] = (struct pollfd){ .fd = fd };
            for (unsigned i = 0; i < 3; i++) {
                fds[n].events |= in >> i & 1 ? set_events[i] : 0;
            }
        }
        n += in != 0;
    }
    return n;
}

/* Leave those in the sets that are ready; returns how many memberships there are. */
static int distribute(const struct sets *s, const struct pollfd *fds, unsigned n)
{
    int count = 0;
    for (unsigned k = 0; k < n; k++) {
        for (unsigned i = 0; i < 3; i++) {
            if (s->set[i] == NULL || !FD_ISSET(fds[k].fd, s->set[i])) {
                continue;
            }
            if (fds[k].revents & set_events[i]) {
                count++;
            } else {
                FD_CLR(fds[k].fd, s->set[i]);
            }
        }
    }
    return count;
}

static int wait_and_distribute(const struct sets *s, struct pollfd *fds, unsigned n,
                               uint64_t deadline)
{
    collect(s, fds);
    /* Nothing counts unasked: a POLLHUP means nothing to who only writes. */
    int r = poll_descriptors(fds, n, 0, deadline);
    for (unsigned k = 0; k < n && r >= 0; k++) {
        if (fds[k].revents & POLLNVAL) {
            r = -EBADF;
        }
    }
    return r < 0 ? r : distribute(s, fds, n);
}

struct selecting {
    int nfds;
    fd_set *r, *w, *x;
    uint64_t deadline;
};

static int select_once(void *arg)
{
    const struct selecting *call = arg;
    int nfds = call->nfds;
    uint64_t deadline = call->deadline;
    struct sets s = { nfds, { call->r, call->w, call->x } };
    struct pollfd few[ON_STACK];
    struct pollfd *fds = few;
    if (nfds < 0 || nfds > FD_SETSIZE) {
        return -EINVAL;
    }
    unsigned n = collect(&s, NULL);
    if (n > ON_STACK) {
        fds = heap_alloc(n * sizeof(*fds));
        if (fds == NULL) {
            return -ENOMEM;
        }
    }
    int result = wait_and_distribute(&s, fds, n, deadline);
    if (fds != few) {
        heap_free(fds);
    }
    return result;
}

static int select_until(int nfds, fd_set *r, fd_set *w, fd_set *x, uint64_t deadline,
                        const sigset_t *mask)
{
    struct selecting call = { nfds, r, w, x, deadline };
    return polling_masked(select_once, &call, mask);
}

int pselect(int nfds, fd_set *r, fd_set *w, fd_set *x, const struct timespec *timeout,
            const sigset_t *mask)
{
    uint64_t deadline;
    int bad = polling_deadline_ts(timeout, &deadline);
    return (int)libc_result(bad < 0 ? bad : select_until(nfds, r, w, x, deadline, mask));
}

/* As on Linux, what is left of the time is written back, and tv_usec may be a second and more. */
int select(int nfds, fd_set *r, fd_set *w, fd_set *x, struct timeval *timeout)
{
    if (timeout == NULL) {
        return (int)libc_result(select_until(nfds, r, w, x, NO_DEADLINE, NULL));
    }
    if (timeout->tv_sec < 0 || timeout->tv_usec < 0) {
        return (int)libc_result(-EINVAL);
    }
    struct timespec span = { .tv_sec = timeout->tv_sec + timeout->tv_usec / 1000000,
                             .tv_nsec = timeout->tv_usec % 1000000 * 1000 };
    uint64_t deadline;
    polling_deadline_ts(&span, &deadline);
    int result = select_until(nfds, r, w, x, deadline, NULL);
    uint64_t now = platform_clock_ns();
    uint64_t left = deadline == 0 || now >= deadline ? 0 : (deadline - now) / 1000;
    if (deadline != NO_DEADLINE) {
        *timeout = (struct timeval){ .tv_sec = (time_t)(left / 1000000),
                                     .tv_usec = (suseconds_t)(left % 1000000) };
    }
    return (int)libc_result(result);
}
