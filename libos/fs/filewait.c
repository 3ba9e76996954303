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

int file_wait_until(struct file *f, int events, uint64_t deadline_ns, int (*done)(void *arg),
                    void *arg)
{
    struct pollq *q = f->ops->pollq != NULL ? f->ops->pollq(f) : NULL;
    if (q == NULL) {
        return done(arg);
    }
    struct sleeper s = { .watch = { .notify = wake_sleeper }, .events = events };
    io_waiter_init(&s.waiter);
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

struct readiness {
    struct file *f;
    int events;
};

static int ready_now(void *arg)
{
    struct readiness *want = arg;
    struct file *f = want->f;
    return f->ops->ready != NULL ? f->ops->ready(f, want->events) : want->events;
}

int file_wait(struct file *f, int events, uint64_t deadline_ns)
{
    struct readiness want = { f, events };
    return file_wait_until(f, events, deadline_ns, ready_now, &want);
}
