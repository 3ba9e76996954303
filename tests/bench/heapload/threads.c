/* SPDX-License-Identifier: BSD-2-Clause */
/* Several threads: each with blocks of its own, and one that frees what another has taken. */
#include "load.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 4u
#define LIVE    200u
#define STEPS   20000u
#define BATCH   500u
#define BATCHES 40u

static void *churn(void *arg)
{
    struct draw numbers = { 88172645463325252u + (uintptr_t)arg };
    char **live = calloc(LIVE, sizeof(*live));
    for (unsigned i = 0; live != NULL && i < STEPS; i++) {
        char **slot = &live[draw_below(&numbers, LIVE)];
        free(*slot);
        *slot = malloc(16 + draw_below(&numbers, 1000));
        if (*slot != NULL) {
            **(volatile char **)slot = 1;
        }
    }
    for (unsigned i = 0; live != NULL && i < LIVE; i++) {
        free(live[i]);
    }
    free(live);
    return arg;
}

static void own_blocks(void)
{
    pthread_t threads[THREADS];
    uint64_t start = ticks();
    for (uintptr_t i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, churn, (void *)i) != 0) {
            return;
        }
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("heap threads_own %.1f\n", (double)(ticks() - start) / (THREADS * STEPS));
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static char *batch[BATCH]; /* full: the other thread's turn */
static int full;

static void *free_batches(void *arg)
{
    for (unsigned i = 0; i < BATCHES; i++) {
        pthread_mutex_lock(&lock);
        while (!full) {
            pthread_cond_wait(&turned, &lock);
        }
        for (unsigned j = 0; j < BATCH; j++) {
            free(batch[j]);
        }
        full = 0;
        pthread_cond_signal(&turned);
        pthread_mutex_unlock(&lock);
    }
    return arg;
}

static void others_blocks(void)
{
    struct draw numbers = { 88172645463325252u };
    pthread_t thread;
    if (pthread_create(&thread, NULL, free_batches, NULL) != 0) {
        return;
    }
    uint64_t start = ticks();
    for (unsigned i = 0; i < BATCHES; i++) {
        pthread_mutex_lock(&lock);
        while (full) {
            pthread_cond_wait(&turned, &lock);
        }
        for (unsigned j = 0; j < BATCH; j++) {
            batch[j] = malloc(16 + draw_below(&numbers, 1000));
            if (batch[j] != NULL) {
                *(volatile char *)batch[j] = 1;
            }
        }
        full = 1;
        pthread_cond_signal(&turned);
        pthread_mutex_unlock(&lock);
    }
    pthread_join(thread, NULL);
    printf("heap threads_hand_over %.1f\n", (double)(ticks() - start) / (BATCHES * BATCH));
}

void run_threads(void)
{
    own_blocks();
    others_blocks();
}
