/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes. Taking a free one and releasing one that nobody waits for is one atomic instruction
 * each.
 *
 * __state is 0 free, 1 held, 2 held and somebody may wait. A waiter sets 2 under the guard before
 * it sleeps, and again whenever it takes the mutex, because others may still wait: so 2 may be set
 * for nobody, which costs one trip through the slow release, but it is never missing.
 *
 * A released mutex may be taken, released, destroyed and its memory reused by others at once, even
 * before the releasing thread has gone on. So the slow release clears state and guard by one store
 * of both bytes, its last access.
 */
#include <pith/libc.h>

#include "point.h"
#include "pthread_impl.h"

enum { FREE = 0, HELD = 1, CONTENDED = 2 };

#define TYPE(m) ((m)->__type & ~MUTEX_ROBUST)

const struct pthread_robust_ops *pthread_robust;

/* __state and __guard as the one object that the last store of a release clears. */
typedef uint16_t __attribute__((may_alias)) state_and_guard;

_Static_assert(offsetof(pthread_mutex_t, __guard) == offsetof(pthread_mutex_t, __state) + 1 &&
               offsetof(pthread_mutex_t, __state) % 2 == 0, "state and guard are one 16-bit word");

static inline bool try_take(pthread_mutex_t *m)
{
    unsigned char expected = FREE;
    return __atomic_compare_exchange_n(&m->__state, &expected, HELD, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

/*
 * Take a mutex that somebody holds; handlers run meanwhile if it hears signals. Returns 0 or ETIMEDOUT,
 * positive as all pthread calls have it.
 */
static __attribute__((noinline)) int wait_for(pthread_mutex_t *m, uint64_t deadline, unsigned hears)
{
    int r = 0;
    bool was = spin_lock(guard_of(&m->__guard));
    /* Tried once more after the deadline, which also keeps CONTENDED set for the other waiters. */
    while (__atomic_exchange_n(&m->__state, CONTENDED, __ATOMIC_ACQUIRE) != FREE) {
        if (r == EINTR) {
            spin_unlock(guard_of(&m->__guard), was);
            point_attend();
            was = spin_lock(guard_of(&m->__guard));
            r = 0;
            continue;
        }
        if (r != 0) {
            spin_unlock(guard_of(&m->__guard), was);
            return r;
        }
        r = -waitq_wait_for(queue_of(m->__wait), guard_of(&m->__guard), deadline, hears);
    }
    spin_unlock(guard_of(&m->__guard), was);
    return 0;
}

static __attribute__((noinline)) void release_slow(pthread_mutex_t *m)
{
    bool was = spin_lock(guard_of(&m->__guard));
    waitq_wake_one(queue_of(m->__wait));
    /* Only the owner changes the state from CONTENDED, and only the guard's holder the guard. */
    __atomic_store_n((state_and_guard *)&m->__state, 0, __ATOMIC_RELEASE);
    irq_restore(was);
}

static inline void release(pthread_mutex_t *m)
{
    unsigned char expected = HELD;
    if (__builtin_expect(!__atomic_compare_exchange_n(&m->__state, &expected, FREE, false,
                                                      __ATOMIC_RELEASE, __ATOMIC_RELAXED), 0)) {
        release_slow(m);
    }
}

static int now_owned(pthread_mutex_t *m)
{
    __atomic_store_n(&m->__owner, self_id(), __ATOMIC_RELAXED);
    return m->__type & MUTEX_ROBUST ? pthread_robust->taken(m) : 0;
}

/* Take a mutex of a type that knows its owner. */
static int take_owned(pthread_mutex_t *m, bool wait, uint64_t deadline)
{
    /* Only this thread itself stores its own id there, so no lock is needed to see it. */
    if (__atomic_load_n(&m->__owner, __ATOMIC_RELAXED) == self_id() &&
        TYPE(m) != PTHREAD_MUTEX_NORMAL) {
        if (TYPE(m) == PTHREAD_MUTEX_ERRORCHECK) {
            return wait ? EDEADLK : EBUSY;
        }
        if (m->__count == UINT32_MAX) {
            return EAGAIN;
        }
        m->__count++;
        return 0;
    }
    if (!try_take(m)) {
        int r = wait ? wait_for(m, deadline, ATTENTION_SIGNAL) : EBUSY;
        if (r != 0) {
            return r;
        }
    }
    return now_owned(m);
}

int pthread_mutex_take(pthread_mutex_t *m, uint64_t deadline)
{
    if (__builtin_expect(m->__type != PTHREAD_MUTEX_NORMAL, 0)) {
        return take_owned(m, true, deadline);
    }
    return __builtin_expect(try_take(m), 1) ? 0 : wait_for(m, deadline, ATTENTION_SIGNAL);
}

/* Those of libos are all normal ones. */
void libc_mutex_lock(pthread_mutex_t *m)
{
    if (__builtin_expect(!try_take(m), 0)) {
        (void)wait_for(m, NO_DEADLINE, 0);
    }
}

int pthread_mutex_lock(pthread_mutex_t *m)
{
    return pthread_mutex_take(m, NO_DEADLINE);
}

int pthread_mutex_trylock(pthread_mutex_t *m)
{
    if (m->__type != PTHREAD_MUTEX_NORMAL) {
        return take_owned(m, false, 0);
    }
    return try_take(m) ? 0 : EBUSY;
}

void pthread_mutex_release(pthread_mutex_t *m)
{
    __atomic_store_n(&m->__owner, 0, __ATOMIC_RELAXED);
    release(m);
}

static void give_up(pthread_mutex_t *m)
{
    if (m->__type & MUTEX_ROBUST) {
        pthread_robust->given(m);
    }
    pthread_mutex_release(m);
}

/* Releasing a normal mutex that nobody holds does nothing, as elsewhere. */
int pthread_mutex_unlock(pthread_mutex_t *m)
{
    if (__builtin_expect(m->__type != PTHREAD_MUTEX_NORMAL, 0)) {
        if (__atomic_load_n(&m->__owner, __ATOMIC_RELAXED) != self_id()) {
            return EPERM;
        }
        if (m->__count != 0) {
            m->__count--;
            return 0;
        }
        give_up(m);
        return 0;
    }
    release(m);
    return 0;
}

unsigned pthread_mutex_release_all(pthread_mutex_t *m)
{
    unsigned count = m->__count;
    m->__count = 0;
    give_up(m);
    return count;
}

int pthread_mutex_take_all(pthread_mutex_t *m, unsigned count)
{
    if (!try_take(m)) {
        wait_for(m, NO_DEADLINE, ATTENTION_SIGNAL);
    }
    if (m->__type == PTHREAD_MUTEX_NORMAL) {
        return 0;
    }
    int r = now_owned(m);
    if (r != ENOTRECOVERABLE) {
        m->__count = count;
    }
    return r;
}

int pthread_mutex_init(pthread_mutex_t *restrict m, const pthread_mutexattr_t *restrict attr)
{
    *m = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    if (attr != NULL) {
        m->__type = (unsigned char)(attr->__type | (attr->__robust ? MUTEX_ROBUST : 0));
    }
    return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *m)
{
    return m->__state == FREE ? 0 : EBUSY;
}
