/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping for I/O: who runs the engine, and who sleeps.
 *
 * The leader is nothing but the thread that a kick wakes: all waiters sleep alike, each on its own
 * queue. It is the one that has begun to wait last, since what comes next is most often an answer to
 * what a thread did just before, and who leads finds its own news without a switch. So leadership
 * passes from a thread to a sleeping one by a place in a list; only when work is there already the new
 * leader is woken for it. The engine's next deadline is a timer of its own, which kicks; so it doesn't
 * matter either who leads when it passes.
 */
#include <pith/iowait.h>

#include <errno.h>
#include <stddef.h>

#include <pith/attention.h>
#include <pith/list.h>
#include <pith/panic.h>
#include <pith/platform.h>
#include <pith/spinlock.h>
#include <pith/thread.h>
#include <pith/timer.h>

#include "iowait.h"
#include "sched.h"

#define BACKGROUND_STACK (32u * 1024) /* lwIP takes 3.3 KiB of it; completions are the program's */

/* All under `lock`. Order: a poll queue's lock, then this, then the scheduler's and the timers'. */
static struct spinlock lock = SPINLOCK_INIT;
static struct list waiters = LIST_INIT(waiters); /* in io_wait(): leader first, background thread last */
static const struct io_engine *engine;
const struct iowait_polling *iowait_polling; /* set once; atomic */
static bool kicked;       /* there is work for the engine */
static bool working;      /* a thread runs it */
static uint64_t next_ns = UINT64_MAX; /* when it wants to be called again */
static struct timer next_timer;       /* fires at next_ns or earlier */

void io_waiter_init(struct io_waiter *w)
{
    waitq_init(&w->q);
    list_init(&w->link);
    w->woken = false;
    w->background = false;
    w->deaf = false;
}

void io_wake(struct io_waiter *w)
{
    bool was = spin_lock(&lock);
    w->woken = true;
    waitq_wake_all(&w->q);
    spin_unlock(&lock, was);
}

/* Wake the leader if there is work and nobody at it. Context: lock held. */
static void wake_leader(void)
{
    if (kicked && !working && !list_empty(&waiters)) {
        waitq_wake_all(&LIST_ENTRY(waiters.next, struct io_waiter, link)->q);
    }
}

void io_engine_kick(void)
{
    bool was = spin_lock(&lock);
    kicked = true;
    wake_leader();
    spin_unlock(&lock, was);
}

/* The engine's deadline may have been put off since this was armed. Context: interrupt. */
static void deadline_passed(struct timer *t)
{
    bool was = spin_lock(&lock);
    if (next_ns <= platform_clock_ns()) {
        next_ns = UINT64_MAX;
        kicked = true;
        wake_leader();
    } else if (next_ns != UINT64_MAX) {
        timer_arm(t, next_ns);
    }
    spin_unlock(&lock, was);
}

/*
 * Call the engine once. A deadline that moves back leaves the timer as it is: it then fires for
 * nothing, which costs less than setting the clock each time. Context: unmasked but for `lock`,
 * which is held, and released meanwhile.
 */
static void run_engine(uint64_t (*work)(void))
{
    kicked = false;
    working = true;
    spin_unlock(&lock, false);
    thread_current()->held_off++; /* completions are the program's code, and run under its locks */
    uint64_t next = work();
    thread_current()->held_off--;
    (void)spin_lock(&lock);
    working = false;
    if (next == 0) {
        kicked = true;
        return;
    }
    next_ns = next;
    if (next != UINT64_MAX && (!timer_armed(&next_timer) || next < next_timer.deadline_ns)) {
        timer_arm(&next_timer, next);
    }
}

void iowait_look(void)
{
    run_engine(engine->look);
}

void iowait_arm(void)
{
    working = true;
    spin_unlock(&lock, false);
    bool more = engine->arm();
    (void)spin_lock(&lock);
    working = false;
    kicked |= more;
}

/* Context: lock held. */
static inline bool engine_waits(void)
{
    return kicked && !working && engine != NULL;
}

static inline bool leads(const struct io_waiter *w)
{
    return waiters.next == &w->link;
}

bool iowait_may_look(const struct io_waiter *w)
{
    return engine != NULL && !working && leads(w) && !w->background;
}

int io_wait(struct io_waiter *w, uint64_t deadline_ns)
{
    const struct iowait_polling *polling = __atomic_load_n(&iowait_polling, __ATOMIC_ACQUIRE);
    uint64_t began = 0;
    unsigned hears = w->background || w->deaf ? 0 : ATTENTION_ALL;
    int r = 0;

    ASSERT(!irq_is_masked());
    (void)spin_lock(&lock);
    list_insert(w->background ? &waiters : waiters.next, &w->link);
    while (!w->woken && r == 0) {
        if (attention_now() & hears) {
            r = -EINTR;
        } else if (engine_waits() && (!w->background || leads(w))) {
            run_engine(engine->work);
            wake_leader(); /* it may be another one by now */
            if (kicked && deadline_ns <= platform_clock_ns()) {
                r = -ETIMEDOUT;
            }
        } else if (__builtin_expect(polling != NULL, 0) && began == 0 && iowait_may_look(w)) {
            began = polling->poll(w, deadline_ns, hears);
        } else {
            r = waitq_wait_for(&w->q, &lock, deadline_ns, hears);
        }
    }
    if (w->woken) {
        w->woken = false;
        r = 0;
    }
    if (began != 0) {
        polling->ended(began);
    }
    list_remove(&w->link);
    wake_leader();
    bool give_way = r == -ETIMEDOUT && working;
    spin_unlock(&lock, false);
    if (give_way) {
        thread_yield(); /* to who was preempted in the engine: the caller may be polling for it */
    }
    return r;
}

void io_poll(void)
{
    /* Without the lock: work that comes just now is seen at the next call. */
    if (!__atomic_load_n(&kicked, __ATOMIC_RELAXED) &&
        !__atomic_load_n(&working, __ATOMIC_RELAXED)) {
        return;
    }
    (void)spin_lock(&lock);
    if (engine_waits()) {
        run_engine(engine->work);
        wake_leader();
    }
    bool give_way = working;
    spin_unlock(&lock, false);
    if (give_way) {
        thread_yield();
    }
}

/* The background thread: it waits for nothing and leads when nobody else does. */
static void *background(void *arg)
{
    struct io_waiter w;

    io_waiter_init(&w);
    w.background = true;
    for (;;) {
        io_wait(&w, UINT64_MAX);
    }
    return arg;
}

int io_engine_start(const struct io_engine *e)
{
    struct thread_attr attr = { .name = "io", .stack_size = BACKGROUND_STACK, .detached = true };
    struct thread *t;

    ASSERT(engine == NULL);
    timer_init(&next_timer, deadline_passed);
    bool was = spin_lock(&lock);
    engine = e;
    kicked = true; /* the first call says when to be called again */
    spin_unlock(&lock, was);
    int r = thread_create(&t, &attr, background, NULL);
    if (r != 0) {
        was = spin_lock(&lock);
        engine = NULL;
        spin_unlock(&lock, was);
    }
    return r;
}
