/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for I/O with an engine: "packets" come by timer interrupts, the engine hands them to many
 * threads that wait for them. No packet and no wake-up is lost, the engine never runs twice at once,
 * and it runs also while nobody waits.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <pith/iowait.h>
#include <pith/irq.h>
#include <pith/platform.h>
#include <pith/thread.h>
#include <pith/timer.h>

#include "check.h"

#define THREADS 12u

struct box {
    unsigned arrived;          /* by the interrupt; atomic */
    unsigned delivered;        /* by the engine; atomic */
    struct io_waiter waiter;
    struct timer timer;
    uint64_t seed;
    bool waits;
};

static struct box boxes[THREADS];
static unsigned in_work, twice, calls, by_background;
static unsigned rounds_left; /* of all threads together: the argument */

static PITH_INTERRUPT void arrive(struct timer *t)
{
    struct box *b = LIST_ENTRY(t, struct box, timer);
    __atomic_add_fetch(&b->arrived, 1, __ATOMIC_RELAXED);
    io_engine_kick();
}

static uint64_t work(void)
{
    if (__atomic_add_fetch(&in_work, 1, __ATOMIC_SEQ_CST) != 1) {
        twice++;
    }
    calls++;
    by_background += thread_name(thread_current())[0] == 'i';
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < THREADS; i++) {
        struct box *b = &boxes[i];
        if (__atomic_load_n(&b->arrived, __ATOMIC_RELAXED) == 0) {
            continue;
        }
        unsigned n = __atomic_exchange_n(&b->arrived, 0, __ATOMIC_SEQ_CST);
        __atomic_add_fetch(&b->delivered, n, __ATOMIC_SEQ_CST);
        if (b->waits) {
            io_wake(&b->waiter);
        }
        if (calls % 8 == 0) {
            next = 0; /* as an engine whose batch was full */
            break;
        }
        if (calls % 32 == 1) {
            thread_yield(); /* preempted in the middle */
        }
    }
    __atomic_sub_fetch(&in_work, 1, __ATOMIC_SEQ_CST);
    return next;
}

static const struct io_engine engine = { .work = work };

static uint64_t random_of(struct box *b)
{
    b->seed = b->seed * 6364136223846793005ul + 1442695040888963407ul;
    return b->seed >> 33;
}

static void *receiver(void *arg)
{
    struct box *b = arg;
    unsigned seen = 0;
    while ((int)__atomic_sub_fetch(&rounds_left, 1, __ATOMIC_RELAXED) >= 0) {
        uint64_t r = random_of(b);
        timer_arm(&b->timer, platform_clock_ns() + r % 8192);
        switch (r >> 13 & 15) {
        case 0:
            thread_sleep_until(platform_clock_ns() + r % 10000); /* waits for something else */
            break;
        case 1:
            io_poll();
            break;
        case 2:
            io_wait(&b->waiter, 0);
            break;
        default:
            break;
        }
        /* Its only source of wake-ups is this one packet: a lost one hangs the test. */
        while (__atomic_load_n(&b->delivered, __ATOMIC_SEQ_CST) == seen) {
            bool timed = (r >> 18 & 7) == 0;
            int rc = io_wait(&b->waiter, timed ? platform_clock_ns() + r % 5000 : UINT64_MAX);
            CHECK(rc == 0 || (timed && rc == -ETIMEDOUT));
        }
        seen++;
        CHECK_EQ(b->delivered, seen);
    }
    return NULL;
}

static void storm(void)
{
    unsigned rounds = rounds_left;
    CHECK(rounds >= 1000);
    pthread_t t[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        struct box *b = &boxes[i];
        b->seed = 1000 + i;
        b->waits = true;
        io_waiter_init(&b->waiter);
        timer_init(&b->timer, arrive);
    }
    CHECK_EQ(io_engine_start(&engine), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_create(&t[i], NULL, receiver, &boxes[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(t[i], NULL);
    }
    CHECK_EQ(twice, 0);
    CHECK_EQ(in_work, 0);
    CHECK(calls > rounds / 64);
}

/* Packets are handled while the only thread computes or sleeps elsewhere. */
static void background(void)
{
    struct box *b = &boxes[0];
    unsigned before = by_background, delivered = b->delivered;
    b->waits = false;
    timer_arm(&b->timer, platform_clock_ns() + 1000);
    thread_sleep_until(platform_clock_ns() + 3000000);
    CHECK_EQ(b->delivered, delivered + 1);
    timer_arm(&b->timer, platform_clock_ns() + 1000);
    uint64_t end = platform_clock_ns() + 10000000000u;
    while (__atomic_load_n(&b->delivered, __ATOMIC_SEQ_CST) == delivered + 1 &&
           platform_clock_ns() < end) {
    }
    CHECK_EQ(b->delivered, delivered + 2);
    CHECK(by_background >= before + 2);
}

static void *interrupt_later(void *arg)
{
    thread_sleep_until(platform_clock_ns() + 5000000);
    pthread_kill((pthread_t)(uintptr_t)arg, SIGUSR1);
    return NULL;
}

static void nothing(int sig)
{
    (void)sig;
}

/* What a handler does to the main thread's waits. */
static void interrupts(void)
{
    pthread_t t;
    void *self = (void *)(uintptr_t)pthread_self();
    struct sigaction action = { .sa_handler = nothing };
    struct timespec long_time = { 100, 0 }, rest = { 0, 0 };
    sigaction(SIGUSR1, &action, NULL);
    CHECK_EQ(pthread_create(&t, NULL, interrupt_later, self), 0);
    CHECK_EQ(nanosleep(&long_time, &rest), -1);
    CHECK_EQ(errno, EINTR);
    CHECK(rest.tv_sec == 99);
    pthread_join(t, NULL);
    CHECK_EQ(pthread_create(&t, NULL, interrupt_later, self), 0);
    CHECK_EQ(sleep(50), 50);
    pthread_join(t, NULL);
    CHECK_EQ(pthread_create(&t, NULL, interrupt_later, self), 0);
    CHECK_EQ(pause(), -1);
    CHECK_EQ(errno, EINTR);
    pthread_join(t, NULL);
    int p[2];
    char c;
    CHECK_EQ(pipe(p), 0);
    struct pollfd f = { p[0], POLLIN, 0 };
    CHECK_EQ(pthread_create(&t, NULL, interrupt_later, self), 0);
    CHECK_EQ(poll(&f, 1, -1), -1);
    CHECK_EQ(errno, EINTR);
    pthread_join(t, NULL);
    CHECK_EQ(pthread_create(&t, NULL, interrupt_later, self), 0);
    CHECK_EQ(read(p[0], &c, 1), -1);
    CHECK_EQ(errno, EINTR);
    pthread_join(t, NULL);
    CHECK_EQ(poll(&f, 1, 5), 0); /* once only */
    signal(SIGUSR1, SIG_DFL);
    close(p[0]);
    close(p[1]);
}

int main(int argc, char **argv)
{
    rounds_left = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    check_run("storm", storm);
    check_run("background", background);
    check_run("interrupts", interrupts);
    return check_done();
}
