/* SPDX-License-Identifier: BSD-2-Clause */
/* Robust mutexes: what the next one hears when a thread has ended as the owner. */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>

#include "../threads.h"

static sem_t started;
static pthread_cond_t robust_cond = PTHREAD_COND_INITIALIZER;

/* Threads that end as owners. */
static void *leave_locked(void *m)
{
    intptr_t r = pthread_mutex_lock(m);
    return (void *)r;
}

static void *leave_twice_locked(void *m)
{
    intptr_t r = pthread_mutex_lock(m) | pthread_mutex_lock(m);
    return (void *)r;
}

static void *wait_for_condition(void *m)
{
    pthread_mutex_lock(m);
    sem_post(&started);
    intptr_t r = pthread_cond_wait(&robust_cond, m);
    pthread_mutex_consistent(m);
    pthread_mutex_unlock(m);
    return (void *)r;
}

static void *signal_and_leave(void *m)
{
    pthread_mutex_lock(m);
    pthread_cond_signal(&robust_cond);
    return NULL;
}

static void robust(void)
{
    pthread_mutex_t m;
    pthread_mutexattr_t a;
    pthread_t t;
    void *result;
    int v;
    SAY("robust mutexes");
    pthread_mutexattr_init(&a);
    ERR(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST));
    ERR(pthread_mutexattr_getrobust(&a, &v));
    IS(v == PTHREAD_MUTEX_ROBUST);
    for (int type = PTHREAD_MUTEX_NORMAL; type <= PTHREAD_MUTEX_ERRORCHECK; type++) {
        pthread_mutexattr_settype(&a, type);
        pthread_mutex_init(&m, &a);
        ERR(pthread_mutex_lock(&m));
        ERR(pthread_mutex_consistent(&m));
        ERR(pthread_mutex_unlock(&m));
        ERR(pthread_mutex_unlock(&m));
        SHOW((intptr_t)run_in_thread(type == PTHREAD_MUTEX_RECURSIVE ? leave_twice_locked : leave_locked, &m));
        IS(pthread_mutex_trylock(&m) == EOWNERDEAD);
        ERR(pthread_mutex_consistent(&m));
        ERR(pthread_mutex_consistent(&m));
        ERR(pthread_mutex_unlock(&m));
        ERR(pthread_mutex_unlock(&m));
        ERR(pthread_mutex_lock(&m));
        ERR(pthread_mutex_unlock(&m));
        run_in_thread(leave_locked, &m);
        IS((intptr_t)run_in_thread(leave_locked, &m) == EOWNERDEAD); /* and ends as its owner, too */
        IS(pthread_mutex_lock(&m) == EOWNERDEAD);
        ERR(pthread_mutex_unlock(&m)); /* nobody gets it any more */
        IS(pthread_mutex_lock(&m) == ENOTRECOVERABLE);
        IS(pthread_mutex_trylock(&m) == ENOTRECOVERABLE);
        ERR(pthread_mutex_consistent(&m));
        ERR(pthread_mutex_destroy(&m));
    }
    SAY("who waits hears it");
    pthread_mutexattr_settype(&a, PTHREAD_MUTEX_NORMAL);
    pthread_mutex_init(&m, &a);
    sem_init(&started, 0, 0);
    MUST(-pthread_create(&t, NULL, wait_for_condition, &m));
    sem_wait(&started);
    run_in_thread(signal_and_leave, &m);
    pthread_join(t, &result);
    IS((intptr_t)result == EOWNERDEAD);
    ERR(pthread_mutex_lock(&m));
    ERR(pthread_mutex_unlock(&m));
    pthread_mutex_destroy(&m);
    pthread_mutexattr_destroy(&a);
}

int main(void)
{
    begin();
    robust();
    return end();
}
