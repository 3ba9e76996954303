/* SPDX-License-Identifier: BSD-2-Clause */
/* Mutexes with a time limit. */
#include "pthread_impl.h"

int pthread_mutex_clocklock(pthread_mutex_t *restrict m, clockid_t clock,
                            const struct timespec *restrict abstime)
{
    /* POSIX: a lock that can be had at once never fails for the time, whatever that says. */
    int r = pthread_mutex_trylock(m);
    if (r != EBUSY) {
        return r;
    }
    uint64_t deadline;
    r = deadline_ns(clock, abstime, &deadline);
    return r != 0 ? -r : pthread_mutex_take(m, deadline);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict m, const struct timespec *restrict abstime)
{
    return pthread_mutex_clocklock(m, CLOCK_REALTIME, abstime);
}
