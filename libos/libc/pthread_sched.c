/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads' scheduling: one policy without priorities, on every CPU; and pthread_atfork(), which
 * never gets to work.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>

int pthread_getschedparam(pthread_t thread, int *restrict policy,
                          struct sched_param *restrict param)
{
    (void)thread;
    *policy = SCHED_OTHER;
    *param = (struct sched_param){ .sched_priority = 0 };
    return 0;
}

int pthread_setschedparam(pthread_t thread, int policy, const struct sched_param *param)
{
    (void)thread;
    return sched_setscheduler(0, policy, param) == 0 ? 0 : errno;
}

int pthread_setschedprio(pthread_t thread, int priority)
{
    (void)thread;
    return priority == 0 ? 0 : EINVAL;
}

int pthread_getaffinity_np(pthread_t thread, size_t size, cpu_set_t *set)
{
    (void)thread;
    return sched_getaffinity(0, size, set) == 0 ? 0 : errno;
}

int pthread_setaffinity_np(pthread_t thread, size_t size, const cpu_set_t *set)
{
    (void)thread;
    return sched_setaffinity(0, size, set) == 0 ? 0 : errno;
}

static int level; /* kept and told; atomic */

int pthread_getconcurrency(void)
{
    return __atomic_load_n(&level, __ATOMIC_RELAXED);
}

int pthread_setconcurrency(int wanted)
{
    if (wanted < 0) {
        return EINVAL;
    }
    __atomic_store_n(&level, wanted, __ATOMIC_RELAXED);
    return 0;
}

int pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    (void)prepare;
    (void)parent;
    (void)child;
    return 0;
}
