/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the POSIX objects: their guard bytes are spin locks, their __wait fields wait
 * queues.
 *
 * The public types can't include libos headers, so the fields are reached through the casts below.
 */
#pragma once

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <pith/spinlock.h>
#include <pith/thread.h>
#include <pith/waitq.h>

#include "deadline.h"

_Static_assert(sizeof(struct spinlock) == sizeof(unsigned char), "guard bytes are spin locks");
_Static_assert(sizeof(struct waitq) == sizeof(void *[2]), "wait fields are wait queues");
_Static_assert(PTHREAD_STACK_MIN == THREAD_STACK_MIN, "the smallest stack");

static inline struct spinlock *guard_of(unsigned char *guard)
{
    return (struct spinlock *)guard;
}

/* The queue in a __wait field, ready for use. Context: guard held. */
static inline struct waitq *queue_of(void **wait)
{
    struct waitq *q = (struct waitq *)wait;
    if (q->waiters.next == NULL) {
        waitq_init(q); /* all zero is the initial state of a static object */
    }
    return q;
}

static inline pthread_t self_id(void)
{
    return (pthread_t)(uintptr_t)thread_current();
}

/* pthread_mutex_lock() with a time limit: 0 or an error number. */
int pthread_mutex_take(pthread_mutex_t *m, uint64_t deadline);

/* Give up the mutex for a condition wait, whatever its nesting, which is returned. */
unsigned pthread_mutex_release_all(pthread_mutex_t *m);

/* Take it again with that nesting. */
void pthread_mutex_take_all(pthread_mutex_t *m, unsigned count);

/* Wait until nobody is inside an object that is being destroyed. */
void pthread_drain(unsigned char *guard, const unsigned *inside);
