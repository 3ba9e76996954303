/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that don't give the CPU up, and what a preemption must not change. */
#include <stdint.h>
#include <string.h>

#include <pith/irq.h>
#include <pith/platform.h>
#include <pith/thread.h>
#include <pith/timer.h>
#include <pith/waitq.h>

#include "storm.h"
#include "tests.h"
#include "vectors.h"

#define WORKERS      4
#define ENOUGH_TICKS 100u
#define PATIENCE     (20000 * MS)

static volatile bool stop;
static volatile unsigned long count[WORKERS];

static void start(struct thread **t, void *(*fn)(void *), uintptr_t arg)
{
    EXPECT(thread_create(t, NULL, fn, (void *)arg) == 0);
}

static void join(struct thread *t)
{
    EXPECT(thread_join(t, NULL, UINT64_MAX) == 0);
}

static bool all_counted(unsigned ticks)
{
    for (int i = 0; i < WORKERS; i++) {
        if (count[i] == 0) {
            return false;
        }
    }
    return storm_ticks() >= ticks;
}

/* Run fn in WORKERS threads for that long, or until each has run and the storm has come to `ticks`. */
static void run_workers(void *(*fn)(void *), uint64_t ns, unsigned ticks)
{
    struct thread *t[WORKERS];

    stop = false;
    memset((void *)count, 0, sizeof(count));
    for (uintptr_t i = 0; i < WORKERS; i++) {
        start(&t[i], fn, i);
    }
    /* As long as it takes on a busy host: what counts is that it happens, not how soon. */
    uint64_t limit = platform_clock_ns() + PATIENCE;
    do {
        thread_sleep_until(platform_clock_ns() + ns);
    } while (!all_counted(ticks) && platform_clock_ns() < limit);
    stop = true;
    for (int i = 0; i < WORKERS; i++) {
        join(t[i]);
        EXPECT(count[i] > 0);
    }
}

static void *hog(void *arg)
{
    while (!stop) {
        count[(uintptr_t)arg]++;
    }
    return NULL;
}

/* The scheduler's own slices: every thread gets its share beside others that loop for ever. */
static void hogs(void)
{
    run_workers(hog, 400 * MS, 0);
}

static void *divide(void *arg)
{
    unsigned __int128 a = ((unsigned __int128)0x123456789abcdef0 << 64) + (uintptr_t)arg;
    uint64_t d = 0x1234567 + 2 * (uintptr_t)arg;

    while (!stop) {
        unsigned __int128 q = a / d;
        unsigned __int128 r = a % d;
        EXPECT(q * d + r == a && r < d);
        a += q;
        d += 2;
        count[(uintptr_t)arg]++;
    }
    return NULL;
}

static void under_storm(void *(*fn)(void *))
{
    storm_start();
    run_workers(fn, 200 * MS, ENOUGH_TICKS);
    EXPECT(storm_stop() >= ENOUGH_TICKS);
}

static void divisions(void)
{
    under_storm(divide);
}

/* Values that live in x87 and SSE registers, control words included. */
static void *floats(void *arg)
{
    long double x = 1.0L + (uintptr_t)arg;
    unsigned rounding = (unsigned)(uintptr_t)arg % 4; /* each its own */
    unsigned mxcsr = 0x1f80u | rounding << 13;
    unsigned short fcw = (unsigned short)(0x037f | rounding << 10);

    __asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(fcw));
    while (!stop) {
        double sum = 0;
        long double product = x;
        for (int i = 1; i <= 64; i++) {
            sum += (double)i * (double)((uintptr_t)arg + 1);
            product = product * 2.0L / 2.0L;
        }
        EXPECT(sum == 2080.0 * (double)((uintptr_t)arg + 1) && product == x);
        unsigned now_mxcsr;
        unsigned short now_fcw;
        __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(now_mxcsr), "=m"(now_fcw));
        EXPECT((now_mxcsr & 0x6000) == (mxcsr & 0x6000) && now_fcw == fcw);
        count[(uintptr_t)arg]++;
        if (count[(uintptr_t)arg] % 1000 == 0) {
            thread_yield(); /* the voluntary switch keeps the control words too */
        }
    }
    return NULL;
}

static void float_state(void)
{
    under_storm(floats);
}

/* All vector registers hold the thread's own pattern, as wide as the CPU has them (vectors.c). */
static unsigned (*vector_loop)(uint64_t pattern);

static void *vectors(void *arg)
{
    while (!stop) {
        EXPECT(vector_loop(0x0123456789abcdef * ((uintptr_t)arg + 1)) == 0);
        count[(uintptr_t)arg]++;
    }
    return NULL;
}

static void vector_state(void)
{
    vector_loop = vectors_sse;
    under_storm(vectors);
    if (vectors_have_avx()) {
        vector_loop = vectors_avx;
        under_storm(vectors);
    }
    if (vectors_have_avx512()) {
        vector_loop = vectors_avx512;
        under_storm(vectors);
    }
}

/* A ring between threads while they are preempted everywhere: nothing lost, nothing doubled. */
#define ITEMS    3000u
#define CAPACITY 3u

static struct spinlock lock = SPINLOCK_INIT;
static struct waitq not_empty = WAITQ_INIT(not_empty);
static struct waitq not_full = WAITQ_INIT(not_full);
static unsigned buffered, total;

static void *producer(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < ITEMS; i++) {
        bool was = spin_lock(&lock);
        while (buffered == CAPACITY) {
            waitq_wait(&not_full, &lock, UINT64_MAX);
        }
        buffered++;
        waitq_wake_one(&not_empty);
        spin_unlock(&lock, was);
    }
    return NULL;
}

static void *consumer(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < ITEMS; i++) {
        bool was = spin_lock(&lock);
        while (buffered == 0) {
            waitq_wait(&not_empty, &lock, platform_clock_ns() + 50000);
        }
        buffered--;
        total++;
        waitq_wake_one(&not_full);
        spin_unlock(&lock, was);
    }
    return NULL;
}

static void ring_under_storm(void)
{
    struct thread *t[2 * WORKERS];

    storm_start();
    for (int i = 0; i < WORKERS; i++) {
        start(&t[2 * i], producer, 0);
        start(&t[2 * i + 1], consumer, 0);
    }
    for (int i = 0; i < 2 * WORKERS; i++) {
        join(t[i]);
    }
    EXPECT(storm_stop() > 0);
    EXPECT(total == WORKERS * ITEMS && buffered == 0);
}

/* Creation and exit while being preempted. */
static void *creator(void *arg)
{
    struct thread *t;

    while (!stop) {
        start(&t, hog, (uintptr_t)arg);
        thread_yield();
        bool was = stop;
        EXPECT(thread_detach(t) == 0);
        (void)was;
        count[(uintptr_t)arg]++;
        if (thread_count() > 40) {
            thread_sleep_until(platform_clock_ns() + MS);
        }
    }
    return NULL;
}

static void creation_under_storm(void)
{
    under_storm(creator);
    while (thread_count() > 1) {
        thread_sleep_until(platform_clock_ns() + MS);
    }
}

/* Timers of different lengths, some taken back, in the order of their deadlines. */
#define TIMERS 100

static struct timer timers[TIMERS];
static volatile unsigned fired, early, disorder;
static uint64_t last_deadline;

static PITH_INTERRUPT void on_timer(struct timer *t)
{
    fired++;
    early += platform_clock_ns() < t->deadline_ns;
    disorder += t->deadline_ns < last_deadline;
    last_deadline = t->deadline_ns;
}

static void timer_order(void)
{
    uint64_t base = platform_clock_ns() + 20 * MS;

    for (unsigned i = 0; i < TIMERS; i++) {
        timer_init(&timers[i], on_timer);
        timer_arm(&timers[i], base + i * 7919 % TIMERS * 100000);
    }
    for (unsigned i = 0; i < TIMERS; i += 4) {
        EXPECT(timer_cancel(&timers[i]) && !timer_cancel(&timers[i]));
    }
    thread_sleep_until(base + 30 * MS);
    EXPECT(fired == TIMERS - TIMERS / 4);
    EXPECT(early == 0 && disorder == 0);
}

static void preemption_off(void)
{
    struct thread *t;

    stop = false;
    count[0] = 0;
    thread_preempt_disable();
    start(&t, hog, 0);
    uint64_t until = platform_clock_ns() + 60 * MS;
    while (platform_clock_ns() < until) {
    }
    EXPECT(count[0] == 0);
    thread_preempt_enable();
    until = platform_clock_ns() + PATIENCE;
    while (count[0] == 0 && platform_clock_ns() < until) {
    }
    EXPECT(count[0] > 0);
    stop = true;
    join(t);
}

const struct test preemption_tests[] = {
    { "hogs", hogs },
    { "divisions", divisions },
    { "float-state", float_state },
    { "vector-state", vector_state },
    { "ring-under-storm", ring_under_storm },
    { "creation-under-storm", creation_under_storm },
    { "timer-order", timer_order },
    { "preemption-off", preemption_off },
    { NULL, NULL },
};
