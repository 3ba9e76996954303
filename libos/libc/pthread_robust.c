/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Robust mutexes: who takes one after a thread that ended as its owner is told so (EOWNERDEAD), and
 * either makes consistent what it guards, or nobody ever gets it again (ENOTRECOVERABLE).
 *
 * Each thread has a list of those that it holds. Images without them have nothing of this.
 */
#include "pthread_impl.h"

/* __owner_state. It changes while the mutex is held. */
enum { FINE = 0, INCONSISTENT = 1, LOST = 2 };

static _Thread_local pthread_mutex_t *held;

static void unlist(pthread_mutex_t *m)
{
    for (pthread_mutex_t **at = &held; *at != NULL; at = &(*at)->__next) {
        if (*at == m) {
            *at = m->__next;
            break;
        }
    }
    m->__next = NULL;
}

static void given(pthread_mutex_t *m)
{
    unlist(m);
    if (m->__owner_state == INCONSISTENT) {
        m->__owner_state = LOST;
    }
}

static int taken(pthread_mutex_t *m)
{
    m->__next = held;
    held = m;
    m->__count = 0; /* of an owner that has ended */
    if (m->__owner_state == LOST) {
        unlist(m);
        pthread_mutex_release(m); /* the next one who waits hears the same */
        return ENOTRECOVERABLE;
    }
    return m->__owner_state == INCONSISTENT ? EOWNERDEAD : 0;
}

static void leave(void)
{
    while (held != NULL) {
        pthread_mutex_t *m = held;
        held = m->__next;
        m->__next = NULL;
        m->__owner_state = INCONSISTENT;
        pthread_mutex_release(m);
    }
}

int pthread_mutex_consistent(pthread_mutex_t *m)
{
    if (!(m->__type & MUTEX_ROBUST) || m->__owner_state != INCONSISTENT ||
        __atomic_load_n(&m->__owner, __ATOMIC_RELAXED) != self_id()) {
        return EINVAL;
    }
    m->__owner_state = FINE;
    return 0;
}

int pthread_mutexattr_getrobust(const pthread_mutexattr_t *restrict attr, int *restrict robust)
{
    *robust = attr->__robust;
    return 0;
}

int pthread_mutexattr_setrobust(pthread_mutexattr_t *attr, int robust)
{
    static const struct pthread_robust_ops ops = { taken, given, leave };
    if (robust != PTHREAD_MUTEX_STALLED && robust != PTHREAD_MUTEX_ROBUST) {
        return EINVAL;
    }
    if (robust == PTHREAD_MUTEX_ROBUST) {
        __atomic_store_n(&pthread_robust, &ops, __ATOMIC_RELEASE);
    }
    attr->__robust = robust;
    return 0;
}
