/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Read-write locks, all under their guard.
 *
 * Readers get in whenever no writer holds the lock, also while writers wait: a thread may then take
 * the read lock again without a deadlock, which POSIX allows programs to do. Writers pay for it.
 */
#include "pthread_impl.h"

static int take_read(pthread_rwlock_t *l, bool wait, uint64_t deadline)
{
    int r = 0;
    bool was = spin_lock(guard_of(&l->__guard));
    if (l->__holders < 0 && l->__writer == self_id()) {
        r = EDEADLK;
    } else if (l->__holders == INT32_MAX) {
        r = EAGAIN;
    }
    while (r == 0 && l->__holders < 0) {
        r = wait ? -waitq_wait(queue_of(l->__readers), guard_of(&l->__guard), deadline) : EBUSY;
    }
    if (r == ETIMEDOUT && l->__holders >= 0) {
        r = 0; /* it was released at the last moment */
    }
    if (r == 0) {
        l->__holders++;
    }
    spin_unlock(guard_of(&l->__guard), was);
    return r;
}

static int take_write(pthread_rwlock_t *l, bool wait, uint64_t deadline)
{
    int r = 0;
    bool was = spin_lock(guard_of(&l->__guard));
    if (l->__holders < 0 && l->__writer == self_id()) {
        r = wait ? EDEADLK : EBUSY;
    }
    while (r == 0 && l->__holders != 0) {
        r = wait ? -waitq_wait(queue_of(l->__writers), guard_of(&l->__guard), deadline) : EBUSY;
    }
    if (r == ETIMEDOUT && l->__holders == 0) {
        r = 0;
    }
    if (r == 0) {
        l->__holders = -1;
        l->__writer = self_id();
    }
    spin_unlock(guard_of(&l->__guard), was);
    return r;
}

int pthread_rwlock_rdlock(pthread_rwlock_t *l)
{
    return take_read(l, true, NO_DEADLINE);
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t *l)
{
    int r = take_read(l, false, 0);
    return r == EDEADLK ? EBUSY : r;
}

int pthread_rwlock_clockrdlock(pthread_rwlock_t *restrict l, clockid_t clock,
                               const struct timespec *restrict abstime)
{
    uint64_t deadline;
    int r = deadline_ns(clock, abstime, &deadline);
    return r != 0 ? -r : take_read(l, true, deadline);
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t *restrict l,
                               const struct timespec *restrict abstime)
{
    return pthread_rwlock_clockrdlock(l, CLOCK_REALTIME, abstime);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *l)
{
    return take_write(l, true, NO_DEADLINE);
}

int pthread_rwlock_trywrlock(pthread_rwlock_t *l)
{
    return take_write(l, false, 0);
}

int pthread_rwlock_clockwrlock(pthread_rwlock_t *restrict l, clockid_t clock,
                               const struct timespec *restrict abstime)
{
    uint64_t deadline;
    int r = deadline_ns(clock, abstime, &deadline);
    return r != 0 ? -r : take_write(l, true, deadline);
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t *restrict l,
                               const struct timespec *restrict abstime)
{
    return pthread_rwlock_clockwrlock(l, CLOCK_REALTIME, abstime);
}

int pthread_rwlock_unlock(pthread_rwlock_t *l)
{
    int r = 0;
    bool was = spin_lock(guard_of(&l->__guard));
    if (l->__holders < 0 && l->__writer == self_id()) {
        l->__holders = 0;
        l->__writer = 0;
    } else if (l->__holders > 0) {
        l->__holders--;
    } else {
        r = EPERM;
    }
    if (r == 0 && l->__holders == 0) {
        /*
         * A writer first, so that it gets its turn; without one all readers. A writer that finds
         * readers in waits on.
         */
        if (!waitq_wake_one(queue_of(l->__writers))) {
            waitq_wake_all(queue_of(l->__readers));
        }
    }
    spin_unlock(guard_of(&l->__guard), was);
    return r;
}

int pthread_rwlock_init(pthread_rwlock_t *restrict l, const pthread_rwlockattr_t *restrict attr)
{
    (void)attr;
    *l = (pthread_rwlock_t)PTHREAD_RWLOCK_INITIALIZER;
    return 0;
}

int pthread_rwlock_destroy(pthread_rwlock_t *l)
{
    bool was = spin_lock(guard_of(&l->__guard)); /* the last holder may still be on its way out */
    int r = l->__holders != 0 ? EBUSY : 0;
    spin_unlock(guard_of(&l->__guard), was);
    return r;
}
