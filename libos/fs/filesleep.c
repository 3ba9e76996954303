/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What blocking calls on pipes and their like sleep with: a watch on the file's poll queue, whose
 * lock guards the sleep too. The network's files need file_wait(), which does devices' work.
 */
#include <poll.h>

#include <pith/attention.h>
#include <pith/file.h>
#include <pith/iowait.h>
#include <pith/pollq.h>
#include <pith/waitq.h>

struct sleeper {
    struct pollwatch watch;
    struct waitq q; /* under the poll queue's lock, like `woken` */
    int events;
    bool woken;
};

/* Context: the poll queue's lock held. */
static void wake(struct pollwatch *w, int events)
{
    struct sleeper *s = LIST_ENTRY(w, struct sleeper, watch);
    if ((events & s->events) != 0 || pollq_concerns(events, s->events)) {
        s->woken = true;
        waitq_wake_one(&s->q);
    }
}

static inline void init(struct sleeper *s, struct pollq *q, int events)
{
    s->watch.q = q;
    s->watch.notify = wake;
    s->events = events;
    s->woken = false;
    waitq_init(&s->q);
}

int file_sleep(struct file *f, int events, uint64_t deadline_ns)
{
    struct pollq *q = f->ops->pollq(f);
    struct sleeper s;
    init(&s, q, events);
    pollwatch_add(&s.watch, q); /* first: what changes after ready() wakes */
    if (f->ops->ready(f, events) != 0) {
        pollwatch_remove(&s.watch);
        return 0;
    }
    int r = 0;
    (void)spin_lock(&q->lock);
    if (!s.woken) {
        r = waitq_wait_for(&s.q, &q->lock, deadline_ns, ATTENTION_ALL);
    }
    list_remove(&s.watch.link);
    spin_unlock(&q->lock, false);
    return s.woken ? 0 : r;
}

int file_sleep_locked(struct file *f, struct pollq *q, int events, uint64_t deadline_ns)
{
    int r = 0;
    struct sleeper s;
    init(&s, q, events);
    (void)spin_lock(&q->lock);
    if (f->ops->ready(f, events) == 0) {
        list_insert(&q->watches, &s.watch.link);
        r = waitq_wait_for(&s.q, &q->lock, deadline_ns, ATTENTION_ALL);
        list_remove(&s.watch.link);
    }
    spin_unlock(&q->lock, false);
    return s.woken ? 0 : r;
}
