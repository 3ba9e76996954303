/* SPDX-License-Identifier: BSD-2-Clause */
/* What blocking calls wait with: a watch on the file's poll queue that wakes the caller. */
#include <errno.h>
#include <poll.h>

#include <pith/file.h>
#include <pith/iowait.h>
#include <pith/pollq.h>

struct sleeper {
    struct pollwatch watch;
    struct io_waiter waiter;
    int events;
};

static void wake_sleeper(struct pollwatch *w, int events)
{
    struct sleeper *s = LIST_ENTRY(w, struct sleeper, watch);
    if (pollq_concerns(events, s->events)) {
        io_wake(&s->waiter);
    }
}

static void init(struct sleeper *s, int events)
{
    s->watch.notify = wake_sleeper;
    s->events = events;
    io_waiter_init(&s->waiter);
}

int file_wait_until(struct file *f, int events, uint64_t deadline_ns, int (*done)(void *arg),
                    void *arg)
{
    struct pollq *q = f->ops->pollq != NULL ? f->ops->pollq(f) : NULL;
    if (q == NULL) {
        return done(arg);
    }
    struct sleeper s;
    init(&s, events);
    pollwatch_add(&s.watch, q); /* first: what changes after done() notifies */
    int r;
    while ((r = done(arg)) == 0) {
        r = io_wait(&s.waiter, deadline_ns);
        if (r < 0) {
            break;
        }
    }
    pollwatch_remove(&s.watch);
    return r;
}

static inline int ready_now(struct file *f, int events)
{
    return f->ops->ready != NULL ? f->ops->ready(f, events) : events;
}

int file_wait(struct file *f, int events, uint64_t deadline_ns)
{
    struct pollq *q = f->ops->pollq != NULL ? f->ops->pollq(f) : NULL;
    if (q == NULL) {
        return ready_now(f, events);
    }
    struct sleeper s;
    init(&s, events);
    pollwatch_add(&s.watch, q); /* first: what changes after ready() notifies */
    int r;
    while ((r = ready_now(f, events)) == 0) {
        r = io_wait(&s.waiter, deadline_ns);
        if (r < 0) {
            break;
        }
    }
    pollwatch_remove(&s.watch);
    return r;
}
