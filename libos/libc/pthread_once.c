/* SPDX-License-Identifier: BSD-2-Clause */
/* pthread_once: one load when it has been done. */
#include "pthread_impl.h"

enum { NEW = 0, RUNNING = 1, DONE = 2 };

/* One lock and queue for all: waiting for somebody else's initialisation is rare and short. */
static struct spinlock lock = SPINLOCK_INIT;
static struct waitq waiters = WAITQ_INIT(waiters);

static void once_slow(pthread_once_t *once, void (*routine)(void))
{
    bool was = spin_lock(&lock);
    while (once->__state == RUNNING) {
        waitq_wait(&waiters, &lock, NO_DEADLINE);
    }
    bool mine = once->__state == NEW;
    if (mine) {
        once->__state = RUNNING;
    }
    spin_unlock(&lock, was);
    if (!mine) {
        return;
    }
    routine();
    was = spin_lock(&lock);
    __atomic_store_n(&once->__state, DONE, __ATOMIC_RELEASE);
    waitq_wake_all(&waiters);
    spin_unlock(&lock, was);
}

int pthread_once(pthread_once_t *once, void (*routine)(void))
{
    if (__builtin_expect(__atomic_load_n(&once->__state, __ATOMIC_ACQUIRE) != DONE, 0)) {
        once_slow(once, routine);
    }
    return 0;
}
