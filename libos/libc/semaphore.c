/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Semaphores. Taking and posting without waiters is one atomic instruction and one load.
 *
 * A waiter announces itself in __nwait before it looks at the value a last time, and a post adds to
 * the value before it looks at __nwait, both sequentially consistent: one of the two sees the
 * other.
 */
#include <semaphore.h>

#include "point.h"
#include "pthread_impl.h"
#include "result.h"

int sem_init(sem_t *sem, int pshared, unsigned value)
{
    (void)pshared;
    if (value > SEM_VALUE_MAX) {
        return (int)libc_result(-EINVAL);
    }
    *sem = (sem_t){ .__value = (int)value };
    return 0;
}

/*
 * The guard is taken once, since a post may still hold it when the waiter that it woke gets here.
 */
int sem_destroy(sem_t *sem)
{
    bool was = spin_lock(guard_of(&sem->__guard));
    bool busy = sem->__nwait != 0;
    spin_unlock(guard_of(&sem->__guard), was);
    return (int)libc_result(busy ? -EBUSY : 0);
}

static bool try_take(sem_t *sem)
{
    int value = __atomic_load_n(&sem->__value, __ATOMIC_SEQ_CST);
    while (value > 0) {
        if (__atomic_compare_exchange_n(&sem->__value, &value, value - 1, true, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
            return true;
        }
    }
    return false;
}

static int take_once(sem_t *sem, uint64_t deadline)
{
    if (try_take(sem)) {
        return 0;
    }
    int r = 0;
    bool was = spin_lock(guard_of(&sem->__guard));
    __atomic_fetch_add(&sem->__nwait, 1, __ATOMIC_SEQ_CST);
    bool taken;
    while (!(taken = try_take(sem)) && r == 0) {
        r = waitq_wait_for(queue_of(sem->__wait), guard_of(&sem->__guard), deadline, ATTENTION_ALL);
    }
    __atomic_fetch_sub(&sem->__nwait, 1, __ATOMIC_SEQ_CST);
    spin_unlock(guard_of(&sem->__guard), was);
    return taken ? 0 : r;
}

static int take(sem_t *sem, uint64_t deadline)
{
    int r;
    LIBC_RESTARTING(r, take_once(sem, deadline));
    return r;
}

int sem_wait(sem_t *sem)
{
    return (int)libc_result(take(sem, NO_DEADLINE));
}

int sem_trywait(sem_t *sem)
{
    return (int)libc_result(try_take(sem) ? 0 : -EAGAIN);
}

int sem_clockwait(sem_t *restrict sem, clockid_t clock, const struct timespec *restrict abstime)
{
    uint64_t deadline;
    /* POSIX: the time is looked at only when the call has to wait. */
    if (try_take(sem)) {
        return 0;
    }
    int r = deadline_ns(clock, abstime, &deadline);
    return (int)libc_result(r != 0 ? r : take(sem, deadline));
}

int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict abstime)
{
    return sem_clockwait(sem, CLOCK_REALTIME, abstime);
}

int sem_post(sem_t *sem)
{
    int value = __atomic_load_n(&sem->__value, __ATOMIC_SEQ_CST);
    do {
        if (value == SEM_VALUE_MAX) {
            return (int)libc_result(-EOVERFLOW);
        }
    } while (!__atomic_compare_exchange_n(&sem->__value, &value, value + 1, true, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));
    if (__atomic_load_n(&sem->__nwait, __ATOMIC_SEQ_CST) != 0) {
        bool was = spin_lock(guard_of(&sem->__guard));
        waitq_wake_one(queue_of(sem->__wait));
        spin_unlock(guard_of(&sem->__guard), was);
    }
    return 0;
}

int sem_getvalue(sem_t *restrict sem, int *restrict value)
{
    *value = __atomic_load_n(&sem->__value, __ATOMIC_RELAXED);
    return 0;
}
