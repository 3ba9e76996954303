/*
 * sources: libos/core/attention.c libos/core/iowait.c libos/core/iopoll.c libos/core/pollq.c libos/core/thread.c
 * libos/core/thread_create.c libos/core/thread_memory.c libos/core/tls.c libos/core/sched.c
 * libos/core/waitq.c libos/core/timer.c libos/core/timer_heap.c libos/core/page.c
 * libos/core/page_buddy.c libos/core/random.c libos/core/chacha.c
 */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Polling before sleeping on a made-up CPU: how long, when, that it ends with the devices armed, and that
 * nothing is lost between the last look and the sleep.
 */
#include <errno.h>
#include <sys/mman.h>

#include <pith/attention.h>
#include <pith/iowait.h>
#include <pith/page.h>
#include <pith/thread.h>
#include <pith/timer.h>

#include "libos/core/sched.h"

#include "fake_machine.h"

static struct io_waiter *owner; /* whom the mail is for */
static unsigned arrived, works, looks, arms;
static unsigned brings_after; /* when so many looks have been made, mail comes without an interrupt */
static bool brings_late;      /* it comes between the last look and the arming */

static uint64_t hand_out(void)
{
    if (arrived != 0) {
        arrived = 0;
        io_wake(owner);
    }
    return UINT64_MAX;
}

static uint64_t work(void)
{
    works++;
    return hand_out();
}

static uint64_t look(void)
{
    now += 10000; /* 10 us */
    arrived += ++looks == brings_after;
    return hand_out();
}

static bool arm(void)
{
    arms++;
    arrived += brings_late;
    return brings_late;
}

static void begin(struct io_waiter *w, unsigned after)
{
    thread_yield(); /* who is ready would end the polling */
    io_waiter_init(w);
    owner = w;
    works = looks = arms = 0;
    brings_after = after;
}

static void wake_later(struct timer *t)
{
    (void)t;
    io_wake(owner);
}

static void test_off(void)
{
    static struct timer waker;
    struct io_waiter w;

    timer_init(&waker, wake_later);
    begin(&w, 1);
    timer_arm(&waker, now + MS);
    EXPECT(io_wait(&w, UINT64_MAX) == 0 && looks == 0 && arms == 0);
}

/* For 100 us, which are ten looks, while waits take no longer. */
static void test_adaptive(void)
{
    static struct timer waker;
    struct io_waiter w;
    uint64_t start;

    begin(&w, 3);
    EXPECT(io_wait(&w, UINT64_MAX) == 0 && looks == 3 && arms == 1);
    begin(&w, 0); /* nothing comes: so long, then sleep with the devices armed */
    start = now;
    EXPECT(io_wait(&w, now + 5 * MS) == -ETIMEDOUT && looks == 10 && arms == 1 && now >= start + 5 * MS);
    begin(&w, 1); /* that was long: sleep at once */
    timer_init(&waker, wake_later);
    timer_arm(&waker, now + MS / 20);
    EXPECT(io_wait(&w, UINT64_MAX) == 0 && looks == 0 && arms == 0);
    begin(&w, 2); /* and that was short */
    EXPECT(io_wait(&w, UINT64_MAX) == 0 && looks == 2 && arms == 1);
}

static void test_ends(void)
{
    struct io_waiter w;

    begin(&w, 0); /* what comes when the last look is over is not slept upon */
    brings_late = true;
    EXPECT(io_wait(&w, UINT64_MAX) == 0 && looks == 10 && arms == 1 && works == 1);
    brings_late = false;
    begin(&w, 0); /* a deadline before its end */
    EXPECT(io_wait(&w, now + 35000) == -ETIMEDOUT && looks == 4 && arms == 1);
    begin(&w, 0);
    attention_raise(thread_current(), ATTENTION_SIGNAL);
    EXPECT(io_wait(&w, UINT64_MAX) == -EINTR && looks == 0);
    attention_drop(thread_current(), ATTENTION_SIGNAL);
}

static unsigned turns;

static void *take_turns(void *arg)
{
    struct io_waiter *w = arg;

    while (turns < 5) {
        turns++;
        thread_yield();
    }
    io_wake(w);
    return NULL;
}

/* Another thread that is ready runs at once. */
static void test_gives_way(void)
{
    struct thread *t;
    struct io_waiter w;

    begin(&w, 0);
    EXPECT(thread_create(&t, NULL, take_turns, &w) == 0);
    EXPECT(io_wait(&w, UINT64_MAX) == 0 && turns == 5 && looks == 0);
    EXPECT(thread_join(t, NULL, UINT64_MAX) == 0);
}

static void *test_all(void *arg)
{
    static const struct io_engine engine = { work, look, arm };

    EXPECT(io_engine_start(&engine) == 0);
    thread_yield();
    test_off();
    io_engine_poll(100000, true);
    test_adaptive();
    test_ends();
    test_gives_way();
    (void)arg;
    exit(unit_done());
}

int main(void)
{
    static struct boot_info info;
    struct thread *t;

    fake_cpu_init();
    fake_percpu.irq_mask = 1;
    info.ram[0].start = mmap(NULL, RAM_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    info.ram[0].npages = RAM_PAGES;
    info.nram = 1;
    page_init(&info);
    thread_init();
    fake_percpu.irq_mask = 0; /* thread_create() allocates as a thread does */
    EXPECT(thread_create(&t, NULL, test_all, NULL) == 0);
    irq_save();
    sched_idle();
}
