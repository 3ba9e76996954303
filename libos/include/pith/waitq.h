/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wait queues: where threads sleep until somebody wakes them or a deadline passes.
 *
 * The condition that is waited for is protected by a spin lock of the caller's; the queue has no
 * lock of its own and is protected by the same one. Interrupt handlers may wake.
 */
#pragma once

#include <stdint.h>

#include <pith/list.h>
#include <pith/spinlock.h>

struct waitq {
    struct list waiters;
};

#define WAITQ_INIT(name) { LIST_INIT((name).waiters) }

static inline void waitq_init(struct waitq *q)
{
    list_init(&q->waiters);
}

/*
 * Release `lock`, sleep until woken or until monotonic deadline_ns (UINT64_MAX: no limit), take the
 * lock again. The caller checks its condition in a loop.
 * Errors: -ETIMEDOUT. Context: thread, `lock` held; returns with it held (still masked).
 */
int waitq_wait(struct waitq *q, struct spinlock *lock, uint64_t deadline_ns);

/* Wake the thread that waits longest; returns whether there was one. Context: any, lock held. */
bool waitq_wake_one(struct waitq *q);

/* Wake all; returns how many. Context: any, lock held. */
unsigned waitq_wake_all(struct waitq *q);
