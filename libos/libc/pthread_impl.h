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

/* In __type, beside the type: what a thread that ends leaves behind is told to the next owner. */
#define MUTEX_ROBUST 4u

/*
 * What robust mutexes need of the others, once there are any: NULL until an attribute asks for
 * them.
 */
struct pthread_robust_ops {
    int (*taken)(pthread_mutex_t *m); /* the caller owns it: 0, EOWNERDEAD; or not: ENOTRECOVERABLE */
    void (*given)(pthread_mutex_t *m); /* it is going to be released */
    void (*leave)(void);               /* the thread ends */
};

extern const struct pthread_robust_ops *pthread_robust;

/* Release a mutex of a type that knows its owner, with nothing said of that. */
void pthread_mutex_release(pthread_mutex_t *m);

/* pthread_mutex_lock() with a time limit: 0 or an error number. */
int pthread_mutex_take(pthread_mutex_t *m, uint64_t deadline);

/* Give up the mutex for a condition wait, whatever its nesting, which is returned. */
unsigned pthread_mutex_release_all(pthread_mutex_t *m);

/* Take it again with that nesting: 0, or of a robust one what a lock would say. */
int pthread_mutex_take_all(pthread_mutex_t *m, unsigned count);

/* Wait until nobody is inside an object that is being destroyed. */
void pthread_drain(unsigned char *guard, const unsigned *inside);
