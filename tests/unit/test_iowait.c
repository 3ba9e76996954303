/*
 * sources: libos/core/attention.c libos/core/iowait.c libos/core/pollq.c libos/fs/filewait.c libos/fs/filesleep.c libos/core/thread.c
 * libos/core/thread_create.c libos/core/thread_memory.c libos/core/tls.c libos/core/sched.c
 * libos/core/waitq.c libos/core/timer.c libos/core/timer_heap.c libos/core/page.c
 * libos/core/page_buddy.c libos/core/random.c libos/core/chacha.c
 */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping for I/O on a made-up CPU: the engine is run by who waits, by one thread at a time, at its
 * deadline, by the background thread only when nobody else waits; no wake-up is lost.
 */
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>

#include <pith/attention.h>
#include <pith/file.h>
#include <pith/iowait.h>
#include <pith/page.h>
#include <pith/thread.h>
#include <pith/timer.h>

#include "libos/core/sched.h"

#include "fake_machine.h"

#define BOXES 8u

/* ---- the engine: mail that an interrupt brings is put into boxes ---- */

static unsigned arrived[BOXES];   /* by the interrupt, not yet seen by the engine */
static unsigned delivered[BOXES]; /* by the engine, for the box's owner */
static struct io_waiter *owners[BOXES];
static unsigned in_work, work_calls, work_by_background;
static uint64_t want_next = UINT64_MAX;
static bool storming; /* the engine is slow: preempted in the middle, one box per call */

static uint64_t work(void)
{
    uint64_t next = want_next;

    EXPECT(++in_work == 1);
    EXPECT(!irq_is_masked());
    work_calls++;
    if (strcmp(thread_name(thread_current()), "io") == 0) {
        work_by_background++;
    }
    for (unsigned i = 0; i < BOXES; i++) {
        bool was = irq_save();
        unsigned n = arrived[i];
        arrived[i] = 0;
        irq_restore(was);
        delivered[i] += n;
        if (storming && n != 0) {
            thread_yield();
        }
        if (n != 0 && owners[i] != NULL) {
            io_wake(owners[i]);
        }
        if (storming && n != 0 && i + 1 < BOXES) {
            next = 0;
            break;
        }
    }
    in_work--;
    return next;
}

static const struct io_engine engine = { .work = work };

/* ---- waits without an engine ---- */

static void wake_later(struct timer *t);
static struct io_waiter *to_wake;
static struct timer waker;

static void wake_later(struct timer *t)
{
    (void)t;
    io_wake(to_wake);
}

static void test_plain_sleep(void)
{
    struct io_waiter w;

    io_waiter_init(&w);
    io_wake(&w); /* sticks until it is waited for */
    EXPECT(io_wait(&w, 0) == 0);
    EXPECT(io_wait(&w, 0) == -ETIMEDOUT);
    uint64_t start = now;
    EXPECT(io_wait(&w, start + 5 * MS) == -ETIMEDOUT);
    EXPECT(now >= start + 5 * MS);
    to_wake = &w;
    timer_init(&waker, wake_later);
    timer_arm(&waker, now + MS);
    EXPECT(io_wait(&w, UINT64_MAX) == 0);
    timer_arm(&waker, now + MS);
    EXPECT(io_wait(&w, now + 2 * MS) == 0);
    io_poll(); /* there is no engine: nothing */
}

static void *interrupt_main(void *arg)
{
    attention_raise(arg, ATTENTION_SIGNAL);
    return NULL;
}

static void test_interrupt(void)
{
    struct io_waiter w;
    struct thread *t = NULL, *self = thread_current();

    io_waiter_init(&w);
    EXPECT(thread_create(&t, NULL, interrupt_main, self) == 0);
    EXPECT(io_wait(&w, UINT64_MAX) == -EINTR); /* it sleeps when the other one comes */
    EXPECT(thread_join(t, NULL, UINT64_MAX) == 0);
    EXPECT(io_wait(&w, UINT64_MAX) == -EINTR); /* until somebody drops it */
    io_wake(&w);
    EXPECT(io_wait(&w, UINT64_MAX) == 0); /* what has happened comes first */
    w.deaf = true;
    EXPECT(io_wait(&w, now + MS) == -ETIMEDOUT);
    w.deaf = false;
    attention_drop(self, ATTENTION_SIGNAL);
    EXPECT(io_wait(&w, now + MS) == -ETIMEDOUT);
    attention_raise(self, ATTENTION_CANCEL);
    EXPECT(attention_now() == ATTENTION_CANCEL);
    EXPECT(io_wait(&w, UINT64_MAX) == -EINTR);
    attention_drop(self, ATTENTION_ALL);
    EXPECT(io_wait(&w, 0) == -ETIMEDOUT);
}

/* ---- poll queues ---- */

static unsigned notified;
static int last_events;

static void count_notify(struct pollwatch *w, int events)
{
    (void)w;
    notified++;
    last_events = events;
}

static void test_pollq(void)
{
    struct pollq q;
    struct pollwatch a = { .notify = count_notify }, b = { .notify = count_notify };

    pollq_init(&q);
    pollq_notify(&q, POLLIN);
    EXPECT(notified == 0);
    pollwatch_add(&a, &q);
    pollwatch_add(&b, &q);
    pollq_notify(&q, POLLIN);
    EXPECT(notified == 2 && last_events == POLLIN);
    pollwatch_remove(&a);
    pollwatch_remove(&a);
    pollq_notify(&q, POLLOUT);
    EXPECT(notified == 3 && last_events == POLLOUT);
    pollq_close(&q);
    EXPECT(notified == 4 && last_events == (POLLHUP | POLLERR) && b.q == NULL);
    memset(&q, 0xee, sizeof(q));
    pollwatch_remove(&b);
    EXPECT(pollq_concerns(POLLIN, POLLRDNORM) && pollq_concerns(POLLERR, POLLOUT));
    EXPECT(!pollq_concerns(POLLIN, POLLOUT) && !pollq_concerns(POLLOUT | POLLWRNORM, POLLIN));
    EXPECT(pollq_concerns(POLLHUP, 0));
}

/* ---- file_wait() ---- */

static struct pollq file_q;
static int file_events;
static struct timer file_timer;

static int file_ready(struct file *f, int events)
{
    (void)f;
    return file_events & events;
}

static struct pollq *file_pollq(struct file *f)
{
    (void)f;
    return &file_q;
}

static const struct file_ops some_ops = { .ready = file_ready, .pollq = file_pollq };
static const struct file_ops bare_ops = { .ready = NULL };

static void becomes_ready(struct timer *t)
{
    (void)t;
    file_events |= POLLIN;
    pollq_notify(&file_q, POLLOUT); /* doesn't concern the sleeper */
    pollq_notify(&file_q, POLLIN);
}

static void test_file_wait(void)
{
    struct file f = { .ops = &some_ops };

    pollq_init(&file_q);
    EXPECT(file_wait(&f, POLLIN, now + MS) == -ETIMEDOUT);
    EXPECT(list_empty(&file_q.watches));
    timer_init(&file_timer, becomes_ready);
    timer_arm(&file_timer, now + MS);
    EXPECT(file_wait(&f, POLLIN, UINT64_MAX) == POLLIN);
    EXPECT(file_wait(&f, POLLIN | POLLOUT, 0) == POLLIN);
    EXPECT(list_empty(&file_q.watches));
    f.ops = &bare_ops;
    EXPECT(file_wait(&f, POLLIN | POLLOUT, 0) == (POLLIN | POLLOUT));
}

/* ---- file_sleep() ---- */

static int sleep_plain(struct file *f, int events, uint64_t deadline_ns)
{
    return file_sleep(f, events, deadline_ns);
}

static int sleep_locked(struct file *f, int events, uint64_t deadline_ns)
{
    return file_sleep_locked(f, &file_q, events, deadline_ns);
}

/* It becomes ready just when ready() has answered that it is not. */
static int ready_too_late(struct file *f, int events)
{
    int r = file_ready(f, events);
    becomes_ready(NULL);
    return r;
}

static const struct file_ops late_ops = { .ready = ready_too_late, .pollq = file_pollq };

static void test_file_sleep(int (*sleep)(struct file *f, int events, uint64_t deadline_ns))
{
    struct file f = { .ops = &some_ops };
    struct thread *t;

    pollq_init(&file_q);
    file_events = 0;
    EXPECT(sleep(&f, POLLIN, now) == -ETIMEDOUT);
    uint64_t start = now;
    EXPECT(sleep(&f, POLLIN, start + MS) == -ETIMEDOUT && now >= start + MS);
    EXPECT(list_empty(&file_q.watches) && !irq_is_masked());
    timer_arm(&file_timer, now + MS);
    EXPECT(sleep(&f, POLLOUT, now + 2 * MS) == 0); /* told of POLLOUT, which is but a hint */
    EXPECT(sleep(&f, POLLIN, 0) == 0);
    file_events = 0;
    timer_arm(&file_timer, now + MS);
    EXPECT(sleep(&f, POLLIN, UINT64_MAX) == 0 && file_events == POLLIN);
    file_events = 0;
    EXPECT(thread_create(&t, NULL, interrupt_main, thread_current()) == 0);
    EXPECT(sleep(&f, POLLIN, UINT64_MAX) == -EINTR);
    EXPECT(thread_join(t, NULL, UINT64_MAX) == 0);
    attention_drop(thread_current(), ATTENTION_SIGNAL);
    EXPECT(list_empty(&file_q.watches) && !irq_is_masked());
}

static void test_file_sleep_late(void)
{
    struct file f = { .ops = &late_ops };

    file_events = 0;
    EXPECT(file_sleep(&f, POLLIN, UINT64_MAX) == 0 && file_events == POLLIN);
    EXPECT(list_empty(&file_q.watches));
}

/* ---- the engine ---- */

static struct timer mail[BOXES];

static void mail_arrives(struct timer *t)
{
    arrived[t - mail]++;
    io_engine_kick();
}

static void test_engine(void)
{
    struct io_waiter w;

    io_waiter_init(&w);
    for (unsigned i = 0; i < BOXES; i++) {
        timer_init(&mail[i], mail_arrives);
    }
    EXPECT(io_engine_start(&engine) == 0);
    while (work_calls == 0) {
        thread_yield();
    }
    EXPECT(work_by_background == 1); /* its first call */

    /* Who waits does the work. */
    owners[0] = &w;
    for (unsigned i = 0; i < 3; i++) {
        timer_arm(&mail[0], now + MS);
        EXPECT(io_wait(&w, UINT64_MAX) == 0);
        EXPECT(delivered[0] == i + 1);
    }
    EXPECT(work_by_background == 1 && work_calls == 4);

    /* A wait whose time is over looks once, and so does io_poll(). */
    fake_percpu.preempt_count++;
    arrived[0] = 1;
    io_engine_kick();
    EXPECT(io_wait(&w, 0) == 0 && delivered[0] == 4);
    arrived[0] = 1;
    io_engine_kick();
    io_poll();
    EXPECT(delivered[0] == 5);
    EXPECT(io_wait(&w, 0) == 0);
    fake_percpu.preempt_count--;
    EXPECT(work_by_background == 1);

    /* Nobody waits: the background thread does it. */
    timer_arm(&mail[0], now + MS);
    thread_sleep_until(now + 5 * MS);
    EXPECT(delivered[0] == 6 && work_by_background == 2);

    /* The engine's own deadline, put off once; then it wants none. */
    want_next = now + 10 * MS;
    io_engine_kick();
    io_wait(&w, 0);
    io_wait(&w, 0);
    unsigned before = work_calls;
    want_next = now + 20 * MS;
    io_engine_kick();
    EXPECT(io_wait(&w, now + 15 * MS) == -ETIMEDOUT);
    EXPECT(work_calls == before + 1);
    want_next = UINT64_MAX;
    EXPECT(io_wait(&w, now + 15 * MS) == -ETIMEDOUT);
    EXPECT(work_calls == before + 2);
    EXPECT(io_wait(&w, now + 50 * MS) == -ETIMEDOUT);
    EXPECT(work_calls == before + 2);

    /* More to do at once, for ever: a deadline ends the wait nevertheless. */
    want_next = 0;
    io_engine_kick();
    fake_percpu.irq_pending = 1; /* time passes */
    EXPECT(io_wait(&w, now + MS / 50) == -ETIMEDOUT);
    want_next = UINT64_MAX;
    EXPECT(io_wait(&w, now + MS / 50) == -ETIMEDOUT);
    fake_percpu.irq_pending = 0;
    owners[0] = NULL;
}

static uint64_t served_at;

static void *wait_in_box_1(void *arg)
{
    struct io_waiter w;

    io_waiter_init(&w);
    owners[1] = &w;
    EXPECT(io_wait(&w, UINT64_MAX) == 0);
    served_at = now;
    owners[1] = NULL;
    return arg;
}

/* Work that is left over goes to the next leader, whoever that is. */
static void test_hand_over(void)
{
    struct io_waiter w;
    struct thread *t;

    /* The leader has what it waits for and leaves; there is mail for the other one. */
    storming = true;
    io_waiter_init(&w);
    owners[0] = &w;
    EXPECT(thread_create(&t, NULL, wait_in_box_1, NULL) == 0);
    arrived[1] = 1; /* told together with the other box's */
    timer_arm(&mail[0], now + MS);
    EXPECT(io_wait(&w, UINT64_MAX) == 0); /* leads: the other one comes later */
    uint64_t start = now;
    thread_sleep_until(now + 10 * MS);
    EXPECT(served_at != 0 && served_at < start + MS);
    EXPECT(thread_join(t, NULL, UINT64_MAX) == 0);

    /* The background thread is in the middle of its work when somebody else becomes the leader. */
    arrived[2] = 1;
    io_engine_kick();
    thread_yield();
    EXPECT(in_work == 1);
    arrived[0] = 1;
    io_engine_kick();
    unsigned by_background = work_by_background;
    EXPECT(io_wait(&w, UINT64_MAX) == 0);
    EXPECT(work_by_background == by_background);
    owners[0] = NULL;
    storming = false;
}

/* Threads that wait for mail, sometimes with a deadline, sometimes asleep elsewhere. */
#define ROUNDS 4000u

static void *receiver(void *arg)
{
    unsigned box = (unsigned)(uintptr_t)arg;
    uint64_t seed = 77 + box;
    struct io_waiter w;
    unsigned seen = delivered[box];

    io_waiter_init(&w);
    owners[box] = &w;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t r = unit_random(&seed);
        timer_arm(&mail[box], now + r % 5000);
        if (r % 7 == 0) {
            thread_sleep_until(now + r % 3000);
        }
        while (delivered[box] == seen) {
            io_wait(&w, r % 3 == 0 ? now + r % 4000 : UINT64_MAX);
        }
        seen++;
        EXPECT(delivered[box] == seen);
    }
    owners[box] = NULL;
    return NULL;
}

static void test_storm(unsigned nthreads)
{
    struct thread *them[BOXES];

    storming = true;
    fake_percpu.irq_pending = 1; /* an interrupt at each opening of the mask */
    unsigned before = work_calls, background_before = work_by_background;
    for (uintptr_t i = 0; i < nthreads; i++) {
        EXPECT(thread_create(&them[i], NULL, receiver, (void *)i) == 0);
    }
    for (unsigned i = 0; i < nthreads; i++) {
        EXPECT(thread_join(them[i], NULL, UINT64_MAX) == 0);
    }
    fake_percpu.irq_pending = 0;
    storming = false;
    EXPECT(work_calls - before >= ROUNDS);
    EXPECT(work_by_background > background_before || nthreads == BOXES);
}

static void *test_all(void *arg)
{
    (void)arg;
    test_plain_sleep();
    test_interrupt();
    test_pollq();
    test_file_wait();
    test_file_sleep(sleep_plain);
    test_file_sleep(sleep_locked);
    test_file_sleep_late();
    test_engine();
    test_hand_over();
    test_storm(BOXES);
    test_storm(2);
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
