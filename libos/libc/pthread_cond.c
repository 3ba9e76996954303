/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Condition variables.
 *
 * A waiter enters the queue under the guard before it gives the mutex up, so no signal is lost
 * between the two. Lock order: the condition's guard, then the mutex's.
 *
 * POSIX lets a program destroy a condition variable as soon as it has woken all waiters, who
 * may still have to pass through the guard: __inside counts them and destroy waits for them.
 */
#include <pith/libc.h>

#include "point.h"
#include "pthread_impl.h"

void pthread_drain(unsigned char *guard, const unsigned *inside)
{
    for (;;) {
        bool was = spin_lock(guard_of(guard));
        unsigned n = *inside;
        spin_unlock(guard_of(guard), was);
        if (n == 0) {
            return;
        }
        thread_yield();
    }
}

/* Returns 0, ETIMEDOUT or EINTR, without the mutex, whose nesting is told. */
static inline __attribute__((always_inline)) int give_up_and_wait(pthread_cond_t *c, pthread_mutex_t *m,
                                                                  uint64_t deadline, unsigned attention,
                                                                  unsigned *nesting)
{
    bool was = spin_lock(guard_of(&c->__guard));
    c->__inside++;
    *nesting = pthread_mutex_release_all(m);
    int r = -waitq_wait_for(queue_of(c->__wait), guard_of(&c->__guard), deadline, attention);
    c->__inside--;
    spin_unlock(guard_of(&c->__guard), was);
    return r;
}

int libc_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, unsigned attention)
{
    unsigned nesting;
    int r = give_up_and_wait(c, m, NO_DEADLINE, attention, &nesting);
    libc_mutex_lock(m);
    return -r;
}

static int cond_wait(pthread_cond_t *c, pthread_mutex_t *m, uint64_t deadline)
{
    if (m->__type != PTHREAD_MUTEX_NORMAL && m->__owner != self_id()) {
        return EPERM;
    }
    libc_point();
    unsigned nesting;
    int r = give_up_and_wait(c, m, deadline, ATTENTION_ALL, &nesting);
    int taken = pthread_mutex_take_all(m, nesting);
    if (r == EINTR) {
        point_attend(); /* with the mutex, as cleanup handlers want it */
        r = 0;          /* and then it is a spurious wake-up, which POSIX allows */
    }
    return taken != 0 ? taken : r;
}

int pthread_cond_wait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m)
{
    return cond_wait(c, m, NO_DEADLINE);
}

int pthread_cond_clockwait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m, clockid_t clock,
                           const struct timespec *restrict abstime)
{
    uint64_t deadline;
    int r = deadline_ns(clock, abstime, &deadline);
    return r != 0 ? -r : cond_wait(c, m, deadline);
}

int pthread_cond_timedwait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m,
                           const struct timespec *restrict abstime)
{
    clockid_t clock = c->__clock != 0 ? (clockid_t)c->__clock : CLOCK_REALTIME;
    return pthread_cond_clockwait(c, m, clock, abstime);
}

int pthread_cond_signal(pthread_cond_t *c)
{
    bool was = spin_lock(guard_of(&c->__guard));
    waitq_wake_one(queue_of(c->__wait));
    spin_unlock(guard_of(&c->__guard), was);
    return 0;
}

int pthread_cond_broadcast(pthread_cond_t *c)
{
    bool was = spin_lock(guard_of(&c->__guard));
    waitq_wake_all(queue_of(c->__wait));
    spin_unlock(guard_of(&c->__guard), was);
    return 0;
}

int pthread_cond_init(pthread_cond_t *restrict c, const pthread_condattr_t *restrict attr)
{
    *c = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    if (attr != NULL) {
        c->__clock = attr->__clock;
    }
    return 0;
}

int pthread_cond_destroy(pthread_cond_t *c)
{
    pthread_drain(&c->__guard, &c->__inside);
    return 0;
}
