/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll() and ppoll(). The files are looked at once without any preparation; only a call that has to
 * wait puts watches on them.
 */
#include <poll.h>

#include <errno.h>
#include <time.h>

#include <pith/heap.h>
#include <pith/iowait.h>
#include <pith/pollq.h>

#include "deadline.h"
#include "point.h"
#include "polling.h"
#include "result.h"

#define ON_STACK 16u /* files that a wait has room for without asking the heap */

struct poll_item {
    struct pollwatch watch;
    struct io_waiter *waiter;
    struct file *f;
    int events;
};

static void wake_poller(struct pollwatch *w, int events)
{
    struct poll_item *item = LIST_ENTRY(w, struct poll_item, watch);
    if (pollq_concerns(events, item->events)) {
        io_wake(item->waiter);
    }
}

static short look(struct file *f, int events)
{
    /* What has no ready() can be read and written at any time, and never breaks. */
    int now = f->ops->ready != NULL ? f->ops->ready(f, events)
                                    : POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
    return (short)(now & events);
}

/* Look at all descriptors, without waiting. */
static int look_at_all(struct pollfd *fds, unsigned n, int always)
{
    int found = 0;
    for (unsigned i = 0; i < n; i++) {
        fds[i].revents = 0;
        if (fds[i].fd < 0) {
            continue;
        }
        struct file *f = fd_get(fds[i].fd);
        fds[i].revents = POLLNVAL;
        if (f != NULL) {
            fds[i].revents = look(f, fds[i].events | always);
            file_unref(f);
        }
        found += fds[i].revents != 0;
    }
    return found;
}

/* Put watches on all files; returns how many descriptors have gone meanwhile. */
static int watch_all(struct pollfd *fds, unsigned n, int always, struct poll_item *items,
                     struct io_waiter *waiter)
{
    int gone = 0;
    for (unsigned i = 0; i < n; i++) {
        struct poll_item *item = &items[i];
        *item = (struct poll_item){ .watch = { .notify = wake_poller }, .waiter = waiter,
                                    .events = fds[i].events | always };
        item->f = fds[i].fd < 0 ? NULL : fd_get(fds[i].fd);
        if (item->f == NULL) {
            fds[i].revents = fds[i].fd < 0 ? 0 : POLLNVAL;
            gone += fds[i].revents != 0;
            continue;
        }
        struct pollq *q = item->f->ops->pollq != NULL ? item->f->ops->pollq(item->f) : NULL;
        if (q != NULL) {
            pollwatch_add(&item->watch, q);
        }
    }
    return gone;
}

static int look_at_items(struct pollfd *fds, unsigned n, struct poll_item *items)
{
    int found = 0;
    for (unsigned i = 0; i < n; i++) {
        if (items[i].f != NULL) {
            fds[i].revents = look(items[i].f, items[i].events);
            found += fds[i].revents != 0;
        }
    }
    return found;
}

static int wait_for_items(struct pollfd *fds, unsigned n, int always, struct poll_item *items,
                          uint64_t deadline)
{
    struct io_waiter waiter;
    int r = 0;
    io_waiter_init(&waiter);
    int found = watch_all(fds, n, always, items, &waiter);
    while ((found += look_at_items(fds, n, items)) == 0 && r == 0) {
        r = io_wait(&waiter, deadline);
    }
    for (unsigned i = 0; i < n; i++) {
        pollwatch_remove(&items[i].watch);
        if (items[i].f != NULL) {
            file_unref(items[i].f);
        }
    }
    return found != 0 || r == -ETIMEDOUT ? found : r;
}

int poll_descriptors(struct pollfd *fds, unsigned n, int always, uint64_t deadline)
{
    struct poll_item few[ON_STACK];
    struct poll_item *items = few;
    int found = look_at_all(fds, n, always);
    if (found == 0 && deadline == 0) {
        io_poll();
        return look_at_all(fds, n, always);
    }
    if (found != 0) {
        return found;
    }
    if (n > ON_STACK) {
        items = heap_alloc(n * sizeof(*items));
        if (items == NULL) {
            return -ENOMEM;
        }
    }
    found = wait_for_items(fds, n, always, items, deadline);
    if (items != few) {
        heap_free(items);
    }
    return found;
}

static int poll_checked(struct pollfd *fds, nfds_t n, uint64_t deadline)
{
    if (n > FILE_MAX_FDS) {
        return -EINVAL;
    }
    if (fds == NULL && n != 0) {
        return -EFAULT;
    }
    return poll_descriptors(fds, n, POLLERR | POLLHUP, deadline);
}

struct polling {
    struct pollfd *fds;
    nfds_t n;
    uint64_t deadline;
};

static int poll_once(void *arg)
{
    struct polling *p = arg;
    return poll_checked(p->fds, p->n, p->deadline);
}

int poll(struct pollfd *fds, nfds_t nfds, int timeout_ms)
{
    struct polling p = { fds, nfds, polling_deadline_ms(timeout_ms) };
    return (int)libc_result(polling_masked(poll_once, &p, NULL));
}

int ppoll(struct pollfd *fds, nfds_t nfds, const struct timespec *timeout, const sigset_t *mask)
{
    struct polling p = { fds, nfds, 0 };
    int r = polling_deadline_ts(timeout, &p.deadline);
    return (int)libc_result(r < 0 ? r : polling_masked(poll_once, &p, mask));
}
