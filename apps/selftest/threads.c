/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads: switching, preemption of a thread that never gives up the CPU, and its vector registers. */
#include "selftest.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#define SWITCHES 10000
#define SPIN_MS  200

static atomic_bool stop;
static atomic_ulong wrong;
static atomic_ulong rounds;

static void *yielder(void *arg)
{
    while (!stop) {
        sched_yield();
    }
    return arg;
}

static void switches(void)
{
    pthread_t thread;

    stop = false;
    if (pthread_create(&thread, NULL, yielder, NULL) != 0) {
        row("thread switch", false, "a thread can't be created");
        return;
    }
    uint64_t start = cycles();
    for (int i = 0; i < SWITCHES; i++) {
        sched_yield();
    }
    uint64_t took = cycles() - start;
    stop = true;
    pthread_join(thread, NULL);
    row("thread switch", true, "%llu cycles there and back", (unsigned long long)(took / SWITCHES));
}

/* Spin with a value in a vector register that everybody else would like to use, too. */
static void *spinner(void *arg)
{
    uint64_t mine = (uint64_t)(uintptr_t)arg, now;

    while (!stop) {
        __asm__ volatile("movq %1, %%xmm7\n\t"
                         "movl $2000, %%ecx\n"
                         "1: decl %%ecx\n\tjnz 1b\n\t"
                         "movq %%xmm7, %0"
                         : "=r"(now) : "r"(mine) : "xmm7", "ecx", "cc");
        wrong += now != mine;
        rounds++;
    }
    return NULL;
}

static void preemption(void)
{
    pthread_t thread[2];
    const struct timespec pause = { 0, SPIN_MS * 1000000 };

    stop = false;
    for (uintptr_t i = 0; i < 2; i++) {
        if (pthread_create(&thread[i], NULL, spinner, (void *)(0x1111111111111111 * (i + 1))) != 0) {
            row("preemption", false, "a thread can't be created");
            return;
        }
    }
    uint64_t start = now_ns();
    nanosleep(&pause, NULL);
    uint64_t took = now_ns() - start;
    stop = true;
    for (int i = 0; i < 2; i++) {
        pthread_join(thread[i], NULL);
    }
    row("preemption", rounds > 0 && wrong == 0,
        "two spinning threads: %lu rounds, %lu wrong values, the third woke %llu us late",
        (unsigned long)rounds, (unsigned long)wrong,
        (unsigned long long)((took - SPIN_MS * 1000000ull) / 1000));
}

void test_threads(void)
{
    switches();
    preemption();
}
