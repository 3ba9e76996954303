/* SPDX-License-Identifier: BSD-2-Clause */
/* Poll queues: the lists of who watches a file's state. */
#include <pith/pollq.h>

#include <stddef.h>

/*
 * Guards pollwatch.q of all watches against pollq_close(): who takes a watch off must find the
 * queue before it is gone. Order: before any queue's lock.
 */
static struct spinlock close_lock = SPINLOCK_INIT;

void pollq_init(struct pollq *q)
{
    q->lock = (struct spinlock)SPINLOCK_INIT;
    list_init(&q->watches);
}

void pollq_tell(struct pollq *q, int events)
{
    bool was = spin_lock(&q->lock);
    for (struct list *at = q->watches.next; at != &q->watches; at = at->next) {
        struct pollwatch *w = LIST_ENTRY(at, struct pollwatch, link);
        w->notify(w, events);
    }
    spin_unlock(&q->lock, was);
}

void pollq_close(struct pollq *q)
{
    bool was = spin_lock(&close_lock);
    spin_acquire(&q->lock);
    while (!list_empty(&q->watches)) {
        struct pollwatch *w = LIST_ENTRY(q->watches.next, struct pollwatch, link);
        list_remove(&w->link);
        w->q = NULL;
        w->notify(w, POLLHUP | POLLERR);
    }
    spin_release(&q->lock);
    spin_unlock(&close_lock, was);
}

void pollwatch_add(struct pollwatch *w, struct pollq *q)
{
    bool was = spin_lock(&q->lock);
    w->q = q;
    list_insert(&q->watches, &w->link);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* see pollq_notify() */
    spin_unlock(&q->lock, was);
}

void pollwatch_remove(struct pollwatch *w)
{
    bool was = spin_lock(&close_lock);
    struct pollq *q = w->q;
    if (q != NULL) {
        spin_acquire(&q->lock);
        list_remove(&w->link);
        w->q = NULL;
        spin_release(&q->lock);
    }
    spin_unlock(&close_lock, was);
}
