/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads: locks, switches, waking each other, and being made. */
#include "prim.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stddef.h>
#include <unistd.h>

static volatile int stop;
static sem_t ping, pong;
static int to_thread[2], from_thread[2]; /* pipes: read end, write end */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void lock_unlock(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    }
}

static void *yielder(void *arg)
{
    while (!stop) {
        sched_yield();
    }
    return arg;
}

static void yields(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        sched_yield();
    }
}

static void *answerer(void *arg)
{
    for (;;) {
        sem_wait(&ping);
        if (stop) {
            return arg;
        }
        sem_post(&pong);
    }
}

static void sem_roundtrips(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        sem_post(&ping);
        sem_wait(&pong);
    }
}

static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static enum { OURS, THEIRS, OVER } turn; /* guarded by `mutex` */

static void *cond_answerer(void *arg)
{
    pthread_mutex_lock(&mutex);
    while (turn != OVER) {
        if (turn == THEIRS) {
            turn = OURS;
            pthread_cond_signal(&turned);
        }
        pthread_cond_wait(&turned, &mutex);
    }
    pthread_mutex_unlock(&mutex);
    return arg;
}

static void cond_roundtrips(unsigned n)
{
    pthread_mutex_lock(&mutex);
    for (unsigned i = 0; i < n; i++) {
        turn = THEIRS;
        pthread_cond_signal(&turned);
        while (turn != OURS) {
            pthread_cond_wait(&turned, &mutex);
        }
    }
    pthread_mutex_unlock(&mutex);
}

static void *pipe_answerer(void *arg)
{
    char c;
    while (read(to_thread[0], &c, 1) == 1 && write(from_thread[1], &c, 1) == 1) {
    }
    return arg;
}

static void pipe_roundtrips(unsigned n)
{
    char c = 'a';
    for (unsigned i = 0; i < n; i++) {
        if (write(to_thread[1], &c, 1) != 1 || read(from_thread[0], &c, 1) != 1) {
            return;
        }
    }
}

static void *nothing(void *arg)
{
    return arg;
}

static void create_join(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, nothing, NULL) == 0) {
            pthread_join(thread, NULL);
        }
    }
}

void measure_threads(void)
{
    pthread_t thread;
    measure("mutex_lock_unlock", 10000, lock_unlock);
    if (pthread_create(&thread, NULL, yielder, NULL) == 0) {
        measure("yield_pair", 5000, yields);
        stop = 1;
        pthread_join(thread, NULL);
    }
    stop = 0;
    sem_init(&ping, 0, 0);
    sem_init(&pong, 0, 0);
    if (pthread_create(&thread, NULL, answerer, NULL) == 0) {
        measure("sem_roundtrip", 2000, sem_roundtrips);
        stop = 1;
        sem_post(&ping);
        pthread_join(thread, NULL);
    }
    stop = 0;
    if (pthread_create(&thread, NULL, cond_answerer, NULL) == 0) {
        measure("cond_roundtrip", 2000, cond_roundtrips);
        pthread_mutex_lock(&mutex);
        turn = OVER;
        pthread_cond_signal(&turned);
        pthread_mutex_unlock(&mutex);
        pthread_join(thread, NULL);
    }
    if (pipe(to_thread) == 0 && pipe(from_thread) == 0 && pthread_create(&thread, NULL, pipe_answerer, NULL) == 0) {
        measure("pipe_roundtrip", 2000, pipe_roundtrips);
        close(to_thread[1]);
        pthread_join(thread, NULL);
    }
    measure("pthread_create_join", 200, create_join);
}
