/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What POSIX threads wait on: mutexes, condition variables, rwlocks, barriers, semaphores, spin
 * locks.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "pthread_help.h"

/* ---- mutexes ---- */

static pthread_mutex_t count_lock = PTHREAD_MUTEX_INITIALIZER;
static long counter;

static void *counts(void *arg)
{
    for (int i = 0; i < 20000; i++) {
        pthread_mutex_lock(&count_lock);
        long seen = counter;
        if (i % 64 == 0) {
            sched_yield(); /* so that the others find it held */
        }
        counter = seen + 1;
        pthread_mutex_unlock(&count_lock);
    }
    return arg;
}

static void mutex_excludes(void)
{
    pthread_t t[4];
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(pthread_create(&t[i], NULL, counts, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
    }
    CHECK_EQ(counter, 80000);
    CHECK_EQ(count_lock.__state, 0);
}

static void *tries(void *arg)
{
    pthread_mutex_t *m = arg;
    int r = pthread_mutex_trylock(m);
    if (r == 0) {
        pthread_mutex_unlock(m);
    }
    return (void *)(intptr_t)r;
}

static void *unlocks(void *arg)
{
    return (void *)(intptr_t)pthread_mutex_unlock(arg);
}

static void mutex_types(void)
{
    pthread_mutexattr_t a;
    pthread_mutex_t m;
    pthread_mutexattr_init(&a);
    CHECK_EQ(pthread_mutexattr_settype(&a, 77), EINVAL);
    CHECK_EQ(pthread_mutexattr_setrobust(&a, 77), EINVAL);
    CHECK_EQ(pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT), ENOTSUP);
    pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&m, &a);
    CHECK_EQ(pthread_mutex_lock(&m), 0);
    CHECK_EQ(pthread_mutex_lock(&m), 0);
    CHECK_EQ(pthread_mutex_trylock(&m), 0);
    pthread_mutex_unlock(&m);
    pthread_mutex_unlock(&m);
    CHECK_EQ(in_thread(tries, &m), EBUSY);
    CHECK_EQ(in_thread(unlocks, &m), EPERM);
    CHECK_EQ(pthread_mutex_unlock(&m), 0);
    CHECK_EQ(in_thread(tries, &m), 0);
    CHECK_EQ(pthread_mutex_unlock(&m), EPERM);
    CHECK_EQ(pthread_mutex_destroy(&m), 0);
    pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&m, &a);
    CHECK_EQ(pthread_mutex_lock(&m), 0);
    CHECK_EQ(pthread_mutex_lock(&m), EDEADLK);
    CHECK_EQ(pthread_mutex_trylock(&m), EBUSY);
    CHECK_EQ(pthread_mutex_destroy(&m), EBUSY);
    CHECK_EQ(pthread_mutex_unlock(&m), 0);
    CHECK_EQ(pthread_mutex_unlock(&m), EPERM);
    CHECK_EQ(pthread_mutex_destroy(&m), 0);
}

static void *locks_until(void *arg)
{
    struct timespec until = in_ms(CLOCK_REALTIME, 30);
    return (void *)(intptr_t)pthread_mutex_timedlock(arg, &until);
}

static void mutex_timed(void)
{
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&m);
    long start = ms_now();
    CHECK_EQ(in_thread(locks_until, &m), ETIMEDOUT);
    CHECK(ms_now() - start >= 29);
    pthread_mutex_unlock(&m);
    CHECK_EQ(in_thread(locks_until, &m), 0);
    struct timespec bad = { 0, 2000 * MS };
    CHECK_EQ(pthread_mutex_timedlock(&m, &bad), EINVAL);
    pthread_mutex_unlock(&m);
    CHECK_EQ(pthread_mutex_timedlock(&m, &bad), 0); /* free: the time isn't looked at */
    pthread_mutex_unlock(&m);
}

/* ---- condition variables ---- */

static pthread_mutex_t box_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t box_full = PTHREAD_COND_INITIALIZER, box_empty = PTHREAD_COND_INITIALIZER;
static int box;
static long taken;

static void *produces(void *arg)
{
    for (int i = 1; i <= 2000; i++) {
        pthread_mutex_lock(&box_lock);
        while (box != 0) {
            pthread_cond_wait(&box_empty, &box_lock);
        }
        box = i;
        pthread_cond_signal(&box_full);
        pthread_mutex_unlock(&box_lock);
    }
    return arg;
}

static void *consumes(void *arg)
{
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&box_lock);
        while (box == 0) {
            pthread_cond_wait(&box_full, &box_lock);
        }
        taken += box;
        box = 0;
        pthread_cond_signal(&box_empty);
        pthread_mutex_unlock(&box_lock);
    }
    return arg;
}

static void cond_hands_over(void)
{
    pthread_t t[4];
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(pthread_create(&t[i], NULL, i % 2 ? consumes : produces, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
    }
    CHECK_EQ(taken, 2 * 2000l * 2001 / 2);
}

static int released, waiting;

static void *waits_release(void *arg)
{
    pthread_cond_t *c = arg;
    pthread_mutex_lock(&box_lock);
    waiting++;
    while (!released) {
        pthread_cond_wait(c, &box_lock);
    }
    waiting--;
    pthread_mutex_unlock(&box_lock);
    return NULL;
}

/* POSIX allows this: wake all, destroy and free at once. */
static void cond_broadcast_destroy(void)
{
    for (int round = 0; round < 20; round++) {
        pthread_cond_t *c = malloc(sizeof(*c));
        pthread_t t[5];
        pthread_cond_init(c, NULL);
        released = 0;
        for (int i = 0; i < 5; i++) {
            CHECK_EQ(pthread_create(&t[i], NULL, waits_release, c), 0);
        }
        for (int n = 0; n < 5;) {
            sched_yield();
            pthread_mutex_lock(&box_lock);
            n = waiting;
            pthread_mutex_unlock(&box_lock);
        }
        pthread_mutex_lock(&box_lock);
        released = 1;
        pthread_cond_broadcast(c);
        pthread_mutex_unlock(&box_lock);
        CHECK_EQ(pthread_cond_destroy(c), 0);
        memset(c, 0xaa, sizeof(*c));
        free(c);
        for (int i = 0; i < 5; i++) {
            pthread_join(t[i], NULL);
        }
        CHECK_EQ(waiting, 0);
    }
}

static void cond_timed(void)
{
    pthread_condattr_t a;
    pthread_cond_t c;
    pthread_condattr_init(&a);
    CHECK_EQ(pthread_condattr_setclock(&a, CLOCK_MONOTONIC), 0);
    CHECK_EQ(pthread_condattr_setclock(&a, (clockid_t)99), EINVAL);
    pthread_cond_init(&c, &a);
    pthread_mutex_lock(&box_lock);
    long start = ms_now();
    struct timespec until = in_ms(CLOCK_MONOTONIC, 30);
    CHECK_EQ(pthread_cond_timedwait(&c, &box_lock, &until), ETIMEDOUT);
    CHECK(ms_now() - start >= 29);
    until = in_ms(CLOCK_REALTIME, 10);
    CHECK_EQ(pthread_cond_timedwait(&box_full, &box_lock, &until), ETIMEDOUT);
    pthread_mutex_unlock(&box_lock);
    CHECK_EQ(count_lock.__state, 0);
    pthread_cond_destroy(&c);
}

/* ---- the others ---- */

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static int readers_in, most_readers;
static long rw_value[2];

static void *reads(void *arg)
{
    for (int i = 0; i < 300; i++) {
        pthread_rwlock_rdlock(&rw);
        int now = __atomic_add_fetch(&readers_in, 1, __ATOMIC_SEQ_CST);
        most_readers = now > most_readers ? now : most_readers;
        sched_yield();
        CHECK_EQ(rw_value[0], rw_value[1]);
        __atomic_sub_fetch(&readers_in, 1, __ATOMIC_SEQ_CST);
        pthread_rwlock_unlock(&rw);
        sched_yield();
    }
    return arg;
}

static void *writes(void *arg)
{
    for (int i = 0; i < 300; i++) {
        pthread_rwlock_wrlock(&rw);
        CHECK_EQ(__atomic_load_n(&readers_in, __ATOMIC_SEQ_CST), 0);
        rw_value[0]++;
        sched_yield();
        rw_value[1]++;
        pthread_rwlock_unlock(&rw);
        sched_yield();
    }
    return arg;
}

static void *tries_read(void *arg)
{
    (void)arg;
    int r = pthread_rwlock_tryrdlock(&rw);
    if (r == 0) {
        pthread_rwlock_unlock(&rw);
    }
    return (void *)(intptr_t)r;
}

static void *tries_write(void *arg)
{
    (void)arg;
    struct timespec until = in_ms(CLOCK_REALTIME, 10);
    int r = pthread_rwlock_timedwrlock(&rw, &until);
    if (r == 0) {
        pthread_rwlock_unlock(&rw);
    }
    return (void *)(intptr_t)r;
}

static void rwlocks(void)
{
    pthread_t t[5];
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(pthread_create(&t[i], NULL, i < 3 ? reads : writes, NULL), 0);
    }
    for (int i = 0; i < 5; i++) {
        pthread_join(t[i], NULL);
    }
    CHECK_EQ(rw_value[1], 600);
    CHECK(most_readers > 1);
    CHECK_EQ(pthread_rwlock_rdlock(&rw), 0);
    CHECK_EQ(pthread_rwlock_rdlock(&rw), 0);
    CHECK_EQ(in_thread(tries_read, NULL), 0);
    CHECK_EQ(in_thread(tries_write, NULL), ETIMEDOUT);
    CHECK_EQ(pthread_rwlock_unlock(&rw), 0);
    CHECK_EQ(pthread_rwlock_unlock(&rw), 0);
    CHECK_EQ(pthread_rwlock_wrlock(&rw), 0);
    CHECK_EQ(pthread_rwlock_wrlock(&rw), EDEADLK);
    CHECK_EQ(in_thread(tries_read, NULL), EBUSY);
    CHECK_EQ(pthread_rwlock_destroy(&rw), EBUSY);
    CHECK_EQ(pthread_rwlock_unlock(&rw), 0);
    CHECK_EQ(pthread_rwlock_unlock(&rw), EPERM);
    CHECK_EQ(pthread_rwlock_destroy(&rw), 0);
}

static pthread_barrier_t barrier;
static int arrived, serial;

static void *meets(void *arg)
{
    for (int i = 1; i <= 50; i++) {
        __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
        int r = pthread_barrier_wait(&barrier);
        CHECK(__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) >= 4 * i);
        if (r == PTHREAD_BARRIER_SERIAL_THREAD) {
            __atomic_add_fetch(&serial, 1, __ATOMIC_SEQ_CST);
        }
    }
    return arg;
}

static void barriers(void)
{
    pthread_t t[4];
    CHECK_EQ(pthread_barrier_init(&barrier, NULL, 0), EINVAL);
    CHECK_EQ(pthread_barrier_init(&barrier, NULL, 4), 0);
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(pthread_create(&t[i], NULL, meets, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
    }
    CHECK_EQ(serial, 50);
    CHECK_EQ(pthread_barrier_destroy(&barrier), 0);
}

static sem_t ping, pong;

static void *pongs(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        sem_wait(&ping);
        sem_post(&pong);
    }
    return arg;
}

static void semaphores(void)
{
    pthread_t t;
    int value = -1;
    CHECK_EQ(sem_init(&ping, 0, 0), 0);
    CHECK_EQ(sem_init(&pong, 0, 0), 0);
    CHECK_EQ(pthread_create(&t, NULL, pongs, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        sem_post(&ping);
        sem_wait(&pong);
    }
    pthread_join(t, NULL);
    CHECK_EQ(sem_getvalue(&ping, &value), 0);
    CHECK_EQ(value, 0);
    CHECK_EQ(sem_trywait(&ping), -1);
    CHECK_EQ(errno, EAGAIN);
    struct timespec until = in_ms(CLOCK_REALTIME, 20);
    CHECK_EQ(sem_timedwait(&ping, &until), -1);
    CHECK_EQ(errno, ETIMEDOUT);
    CHECK_EQ(sem_post(&ping), 0);
    CHECK_EQ(sem_timedwait(&ping, &until), 0);
    CHECK_EQ(sem_destroy(&ping), 0);
}

static pthread_spinlock_t spin;

static void *spins(void *arg)
{
    for (int i = 0; i < 5000; i++) {
        pthread_spin_lock(&spin);
        long seen = counter;
        if (i % 100 == 0) {
            sched_yield();
        }
        counter = seen + 1;
        pthread_spin_unlock(&spin);
    }
    return arg;
}

static void spin_locks(void)
{
    pthread_t t[2];
    counter = 0;
    pthread_spin_init(&spin, 0);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(pthread_create(&t[i], NULL, spins, NULL), 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(t[i], NULL);
    }
    CHECK_EQ(counter, 10000);
}

int main(void)
{
    check_run("mutex_excludes", mutex_excludes);
    check_run("mutex_types", mutex_types);
    check_run("mutex_timed", mutex_timed);
    check_run("cond_hands_over", cond_hands_over);
    check_run("cond_broadcast_destroy", cond_broadcast_destroy);
    check_run("cond_timed", cond_timed);
    check_run("rwlocks", rwlocks);
    check_run("barriers", barriers);
    check_run("semaphores", semaphores);
    check_run("spin_locks", spin_locks);
    return check_done();
}
