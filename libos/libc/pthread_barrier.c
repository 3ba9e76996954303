/* SPDX-License-Identifier: BSD-2-Clause */
/* Barriers and spin locks. */
#include "pthread_impl.h"

#define SPINS_BEFORE_YIELD 200u /* on one CPU the holder needs it to go on */

int pthread_barrier_init(pthread_barrier_t *restrict b, const pthread_barrierattr_t *restrict attr,
                         unsigned count)
{
    (void)attr;
    if (count == 0) {
        return EINVAL;
    }
    *b = (pthread_barrier_t){ .__count = count };
    return 0;
}

/* Threads of the last round may still be leaving, since one that has returned may destroy it. */
int pthread_barrier_destroy(pthread_barrier_t *b)
{
    bool was = spin_lock(guard_of(&b->__guard));
    bool waiting = b->__arrived != 0;
    spin_unlock(guard_of(&b->__guard), was);
    if (waiting) {
        return EBUSY;
    }
    pthread_drain(&b->__guard, &b->__inside);
    return 0;
}

int pthread_barrier_wait(pthread_barrier_t *b)
{
    bool was = spin_lock(guard_of(&b->__guard));
    bool last = ++b->__arrived == b->__count;
    b->__inside++;
    if (last) {
        b->__arrived = 0;
        b->__round++;
        waitq_wake_all(queue_of(b->__wait));
    } else {
        unsigned round = b->__round;
        while (b->__round == round) {
            waitq_wait(queue_of(b->__wait), guard_of(&b->__guard), NO_DEADLINE);
        }
    }
    b->__inside--;
    spin_unlock(guard_of(&b->__guard), was);
    return last ? PTHREAD_BARRIER_SERIAL_THREAD : 0;
}

int pthread_spin_init(pthread_spinlock_t *lock, int pshared)
{
    (void)pshared;
    *lock = 0;
    return 0;
}

int pthread_spin_destroy(pthread_spinlock_t *lock)
{
    return *lock == 0 ? 0 : EBUSY;
}

int pthread_spin_trylock(pthread_spinlock_t *lock)
{
    return __atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE) == 0 ? 0 : EBUSY;
}

int pthread_spin_lock(pthread_spinlock_t *lock)
{
    unsigned spins = 0;
    while (pthread_spin_trylock(lock) != 0) {
        while (__atomic_load_n(lock, __ATOMIC_RELAXED) != 0) {
            if (++spins % SPINS_BEFORE_YIELD == 0) {
                thread_yield();
            }
            __builtin_ia32_pause();
        }
    }
    return 0;
}

int pthread_spin_unlock(pthread_spinlock_t *lock)
{
    __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
    return 0;
}
