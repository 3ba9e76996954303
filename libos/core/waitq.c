/* SPDX-License-Identifier: BSD-2-Clause */
/* Wait queues: threads that sleep until they are woken or their deadline passes. */
#include <pith/waitq.h>

#include <errno.h>

#include <pith/attention.h>
#include <pith/panic.h>

#include "sched.h"

/*
 * The deadline of a wait or a sleep. A thread that is woken takes the timer down before it goes on,
 * on the CPU that runs this too, so wait_lock is that of the wait the timer was armed for.
 */
void waitq_timeout(struct timer *timer)
{
    struct thread *t = LIST_ENTRY(timer, struct thread, timeout);
    struct spinlock *lock = t->wait_lock;

    if (lock == NULL) {
        sched_wake(t);
        return;
    }
    spin_acquire(lock);
    if (!list_empty(&t->wait)) {
        list_remove(&t->wait);
        t->wait_result = -ETIMEDOUT;
        sched_wake(t);
    }
    spin_release(lock);
}

int waitq_wait_for(struct waitq *q, struct spinlock *lock, uint64_t deadline_ns, unsigned hears)
{
    struct thread *t = thread_current();

    ASSERT(irq_is_masked());
    if (deadline_ns != UINT64_MAX && deadline_ns <= platform_clock_ns()) {
        return -ETIMEDOUT;
    }
    t->wait_result = 0;
    t->wait_lock = lock;
    __atomic_store_n(&t->hears, (uint8_t)hears, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&t->attention, __ATOMIC_SEQ_CST) & hears) {
        t->hears = 0;
        return -EINTR;
    }
    t->state = THREAD_BLOCKED;
    list_insert(&q->waiters, &t->wait);
    if (deadline_ns != UINT64_MAX) {
        timer_arm(&t->timeout, deadline_ns);
    }
    spin_release(lock);
    sched_block();
    if (deadline_ns != UINT64_MAX) {
        timer_cancel(&t->timeout);
    }
    t->hears = 0;
    spin_acquire(lock);
    return t->wait_result;
}

int waitq_wait(struct waitq *q, struct spinlock *lock, uint64_t deadline_ns)
{
    return waitq_wait_for(q, lock, deadline_ns, 0);
}

static void wake_first(struct waitq *q)
{
    struct thread *t = LIST_ENTRY(q->waiters.next, struct thread, wait);

    list_remove(&t->wait);
    sched_wake(t);
}

bool waitq_wake_one(struct waitq *q)
{
    if (list_empty(&q->waiters)) {
        return false;
    }
    wake_first(q);
    return true;
}

unsigned waitq_wake_all(struct waitq *q)
{
    unsigned n = 0;

    for (; !list_empty(&q->waiters); n++) {
        wake_first(q);
    }
    return n;
}
