/* SPDX-License-Identifier: BSD-2-Clause */
/* Creating, joining, detaching; thread-local storage; sleeping and waiting. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <pith/page.h>
#include <pith/platform.h>
#include <pith/thread.h>
#include <pith/waitq.h>

#include "tests.h"

#define MANY 10000

static struct thread *start(void *(*fn)(void *), void *arg)
{
    struct thread *t = NULL;

    EXPECT(thread_create(&t, NULL, fn, arg) == 0);
    return t;
}

static void *join(struct thread *t)
{
    void *result = NULL;

    EXPECT(thread_join(t, &result, UINT64_MAX) == 0);
    return result;
}

static void *echo(void *arg)
{
    return arg;
}

static size_t free_pages(void)
{
    struct page_stats stats;

    (void)page_reclaim(); /* what is only cached counts as free */
    page_stats(&stats);
    return stats.free;
}

static void create_join(void)
{
    int it;

    EXPECT(join(start(echo, &it)) == &it);
    EXPECT(thread_join(thread_current(), NULL, UINT64_MAX) == -EDEADLK);
    size_t before = free_pages();
    for (int i = 0; i < MANY; i++) {
        join(start(echo, NULL));
    }
    EXPECT(free_pages() == before);
    EXPECT(thread_count() == 1);
}

static void many_at_once(void)
{
    static struct thread *t[200];
    struct thread_attr attr = { .stack_size = THREAD_STACK_MIN };
    size_t before = free_pages();

    for (int i = 0; i < 200; i++) {
        EXPECT(thread_create(&t[i], &attr, echo, &t[i]) == 0);
    }
    EXPECT(thread_count() <= 201); /* those that were preempted in have ended already */
    for (int i = 199; i >= 0; i--) {
        EXPECT(join(t[i]) == &t[i]);
    }
    EXPECT(free_pages() == before);
}

static void *exit_early(void *arg)
{
    thread_exit(arg);
}

static void detached(void)
{
    struct thread_attr attr = { .detached = true };
    size_t before = free_pages();
    struct thread *t;

    for (int i = 0; i < 1000; i++) {
        EXPECT(thread_create(&t, &attr, i % 2 ? echo : exit_early, NULL) == 0);
        EXPECT(thread_join(t, NULL, UINT64_MAX) == -EINVAL);
        thread_yield();
    }
    t = start(echo, NULL);
    thread_yield();
    EXPECT(thread_detach(t) == 0);
    EXPECT(thread_count() == 1);
    EXPECT(free_pages() == before);
}

static __thread int tls_int = 42;
static __thread char tls_zero[3000];
static __thread char tls_aligned[64] __attribute__((aligned(64))) = "aligned";

static uintptr_t canary(void)
{
    uintptr_t v;

    __asm__ volatile("movq %%fs:0x28, %0" : "=r"(v));
    return v;
}

static void *look_at_tls(void *arg)
{
    (void)arg;
    EXPECT(tls_int == 42);
    EXPECT((uintptr_t)tls_aligned % 64 == 0 && strcmp(tls_aligned, "aligned") == 0);
    for (size_t i = 0; i < sizeof(tls_zero); i++) {
        EXPECT(tls_zero[i] == 0);
    }
    EXPECT(canary() != 0 && (canary() & 0xff) == 0);
    tls_int = 7;
    memset(tls_zero, 1, sizeof(tls_zero));
    memset(tls_aligned, 2, sizeof(tls_aligned));
    thread_yield();
    EXPECT(tls_int == 7 && tls_zero[2999] == 1 && tls_aligned[63] == 2);
    return &tls_int;
}

static void tls(void)
{
    struct thread *t[10];

    look_at_tls(NULL);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 10; i++) {
            t[i] = start(look_at_tls, NULL);
        }
        for (int i = 0; i < 10; i++) {
            EXPECT(join(t[i]) != &tls_int);
        }
    }
    EXPECT(tls_int == 7 && tls_aligned[0] == 2);
    tls_int = 42;
    memset(tls_zero, 0, sizeof(tls_zero));
    memcpy(tls_aligned, "aligned", 8);
}

static void *sleeper(void *arg)
{
    uint64_t until = platform_clock_ns() + (uintptr_t)arg * MS / 4;

    thread_sleep_until(until);
    uint64_t late = platform_clock_ns() - until;
    EXPECT((int64_t)late >= 0);
    EXPECT(late < 500 * MS); /* the host may be busy; a lost timer would never come */
    return NULL;
}

static void sleeping(void)
{
    struct thread *t[60];

    for (uintptr_t i = 0; i < 60; i++) {
        t[i] = start(sleeper, (void *)(i * 7919 % 97));
    }
    for (int i = 0; i < 60; i++) {
        join(t[i]);
    }
    struct thread *late = start(sleeper, (void *)200);
    EXPECT(thread_join(late, NULL, platform_clock_ns() + 5 * MS) == -ETIMEDOUT);
    join(late);
}

static struct spinlock lock = SPINLOCK_INIT;
static struct waitq queue = WAITQ_INIT(queue);
static int turn;

#define PING_PONGS 5000

static void *ping_pong(void *arg)
{
    int mine = (int)(uintptr_t)arg;

    for (int i = 0; i < PING_PONGS; i++) {
        bool was = spin_lock(&lock);
        while (turn != mine) {
            EXPECT(waitq_wait(&queue, &lock, UINT64_MAX) == 0);
        }
        turn = !mine;
        waitq_wake_one(&queue);
        spin_unlock(&lock, was);
    }
    return NULL;
}

static void waiting(void)
{
    struct thread *a = start(ping_pong, (void *)0);
    struct thread *b = start(ping_pong, (void *)1);

    join(a);
    join(b);
    bool was = spin_lock(&lock);
    uint64_t begin = platform_clock_ns();
    EXPECT(waitq_wait(&queue, &lock, begin + 20 * MS) == -ETIMEDOUT);
    EXPECT(platform_clock_ns() - begin >= 20 * MS);
    EXPECT(waitq_wait(&queue, &lock, begin) == -ETIMEDOUT);
    spin_unlock(&lock, was);
}

const struct test lifecycle_tests[] = {
    { "create-join", create_join },
    { "many-at-once", many_at_once },
    { "detached", detached },
    { "tls", tls },
    { "sleeping", sleeping },
    { "waiting", waiting },
    { NULL, NULL },
};
