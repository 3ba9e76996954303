/*
 * sources: libos/core/thread.c libos/core/thread_create.c libos/core/thread_memory.c
 * libos/core/tls.c libos/core/sched.c libos/core/waitq.c libos/core/timer.c libos/core/timer_heap.c
 * libos/core/page.c libos/core/page_buddy.c libos/core/random.c libos/core/chacha.c
 */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread system on a made-up CPU: real stacks and switches, a clock that the test moves, and an
 * "interrupt" at every opening of the mask, so that each such place is tried as a place of
 * preemption.
 */
#include <errno.h>
#include <sys/mman.h>

#include <pith/page.h>
#include <pith/thread.h>
#include <pith/timer.h>
#include <pith/waitq.h>

#include "libos/core/sched.h"

#include "fake_machine.h"

static size_t free_pages(void)
{
    struct page_stats stats;

    page_stats(&stats);
    return stats.free;
}

static struct thread *start(void *(*fn)(void *), void *arg)
{
    struct thread *t = NULL;

    EXPECT(thread_create(&t, NULL, fn, arg) == 0);
    return t;
}

static void *echo(void *arg)
{
    return arg;
}

static void join(struct thread *t)
{
    void *result = &result;

    EXPECT(thread_join(t, &result, UINT64_MAX) == 0);
}

static void *look_at_tls(void *arg)
{
    struct thread *t = thread_current();
    char *data = (char *)t - 128; /* 100 bytes, up to the alignment of 32 */
    char zero[92] = { 0 };

    (void)arg;
    EXPECT(t->self == t);
    EXPECT((t->canary & 0xff) == 0 && t->canary != 0);
    EXPECT((uintptr_t)data % 32 == 0);
    EXPECT(memcmp(data, "TLS-INIT", 8) == 0 && memcmp(data + 8, zero, 92) == 0);
    EXPECT(memcmp(thread_libc(t), zero, 92) == 0);
    memset(data, 0xee, 128);
    memset(thread_libc(t), 0xee, THREAD_LIBC_SIZE);
    return NULL;
}

static void test_create_join(void)
{
    void *result = NULL;
    struct thread *t = start(echo, &result);

    EXPECT(thread_id(t) != thread_id(thread_current()));
    EXPECT(thread_count() == 2);
    EXPECT(thread_join(t, &result, UINT64_MAX) == 0);
    EXPECT(result == &result);
    EXPECT(thread_count() == 1);
    EXPECT(thread_join(thread_current(), NULL, UINT64_MAX) == -EDEADLK);
    for (int i = 0; i < 3; i++) {
        join(start(look_at_tls, NULL)); /* the same memory again: it has to be initial again */
    }
}

static void test_no_leak(void)
{
    struct thread *many[100];

    join(start(echo, NULL));
    fake_percpu.irq_pending = 1;
    /* The cache may grow up to its limit; after it was emptied nothing is missing. */
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 10000; i++) {
            join(start(echo, NULL));
        }
        for (int k = 0; k < 100; k++) {
            for (int i = 0; i < 100; i++) {
                many[i] = start(echo, NULL);
            }
            for (int i = 99; i >= 0; i--) {
                join(many[i]);
            }
        }
    }
    size_t before = free_pages();
    page_op_calls = 0;
    for (int i = 0; i < 1000; i++) {
        join(start(echo, NULL));
    }
    EXPECT(page_op_calls == 0); /* all from the cache */
    EXPECT(free_pages() == before);
}

static void test_detached(void)
{
    struct thread_attr attr = { .detached = true, .name = "a name that is too long" };
    struct thread *t;
    size_t before = 0;

    for (int i = 0; i < 2000; i++) {
        EXPECT(thread_create(&t, &attr, echo, NULL) == 0);
        EXPECT_STR(thread_name(t), "a name that is ");
        EXPECT(thread_join(t, NULL, UINT64_MAX) == -EINVAL);
        EXPECT(thread_detach(t) == -EINVAL);
        thread_yield();
        if (i == 100) {
            before = free_pages();
        }
    }
    EXPECT(free_pages() == before);
    t = start(echo, NULL);
    EXPECT(thread_detach(t) == 0); /* before its end */
    thread_yield();
    t = start(echo, NULL);
    thread_yield();
    EXPECT(thread_detach(t) == 0); /* after it */
    EXPECT(thread_count() == 1);
    EXPECT(free_pages() == before);
}

static void *sleeper(void *arg)
{
    uint64_t until = now + (uintptr_t)arg * MS;

    thread_sleep_until(until);
    EXPECT(now >= until && now < until + MS);
    return NULL;
}

static void test_sleep(void)
{
    struct thread *t[50];

    for (uintptr_t i = 0; i < 50; i++) {
        t[i] = start(sleeper, (void *)(1 + i * 7919 % 97));
    }
    for (int i = 0; i < 50; i++) {
        join(t[i]);
    }
    thread_sleep_until(0);
    struct thread *late = start(sleeper, (void *)50);
    EXPECT(thread_join(late, NULL, now + 10 * MS) == -ETIMEDOUT);
    EXPECT(thread_join(late, NULL, 0) == -ETIMEDOUT);
    join(late);
}

/*
 * A bounded buffer between threads: every item arrives once, in every interleaving that turns up.
 */
static struct spinlock lock = SPINLOCK_INIT;
static struct waitq not_empty = WAITQ_INIT(not_empty);
static struct waitq not_full = WAITQ_INIT(not_full);
static unsigned buffered, produced, consumed, timeouts;

#define ITEMS     4000u
#define CAPACITY  3u
#define PRODUCERS 4u

static void *producer(void *arg)
{
    for (unsigned i = 0; i < ITEMS; i++) {
        bool was = spin_lock(&lock);
        while (buffered == CAPACITY) {
            EXPECT(waitq_wait(&not_full, &lock, UINT64_MAX) == 0);
        }
        buffered++;
        produced++;
        waitq_wake_one(&not_empty);
        spin_unlock(&lock, was);
        if (i % 64 == (uintptr_t)arg) {
            thread_sleep_until(now + 1000);
        }
    }
    return NULL;
}

static void *consumer(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < ITEMS; i++) {
        bool was = spin_lock(&lock);
        while (buffered == 0) {
            int rc = waitq_wait(&not_empty, &lock, now + 300);
            EXPECT(rc == 0 || rc == -ETIMEDOUT);
            timeouts += rc == -ETIMEDOUT;
        }
        EXPECT(irq_is_masked());
        buffered--;
        consumed++;
        waitq_wake_one(&not_full);
        spin_unlock(&lock, was);
        EXPECT(!irq_is_masked());
    }
    return NULL;
}

static void test_waitq(void)
{
    struct thread *t[2 * PRODUCERS];

    for (uintptr_t i = 0; i < PRODUCERS; i++) {
        t[2 * i] = start(producer, (void *)i);
        t[2 * i + 1] = start(consumer, NULL);
    }
    for (unsigned i = 0; i < 2 * PRODUCERS; i++) {
        join(t[i]);
    }
    EXPECT(produced == PRODUCERS * ITEMS && consumed == produced && buffered == 0);
    EXPECT(timeouts > 0);
    EXPECT(list_empty(&not_empty.waiters) && list_empty(&not_full.waiters));
    bool was = spin_lock(&lock);
    EXPECT(!waitq_wake_one(&not_empty) && waitq_wake_all(&not_empty) == 0);
    EXPECT(waitq_wait(&not_empty, &lock, now) == -ETIMEDOUT);
    spin_unlock(&lock, was);
}

static unsigned turn;

static void *wait_twice(void *arg)
{
    (void)arg;
    bool was = spin_lock(&lock);
    EXPECT(waitq_wait(&not_empty, &lock, now + 10 * MS) == 0);
    turn++;
    EXPECT(waitq_wait(&not_empty, &lock, UINT64_MAX) == 0);
    turn++;
    spin_unlock(&lock, was);
    return NULL;
}

static void wake_one(void)
{
    bool was = spin_lock(&lock);
    EXPECT(waitq_wake_one(&not_empty));
    spin_unlock(&lock, was);
}

/* The deadline of a wait that ended early must not end a later one. */
static void test_old_deadline(void)
{
    struct thread *t = start(wait_twice, NULL);

    thread_sleep_until(now + MS);
    wake_one();
    thread_sleep_until(now + 100 * MS);
    EXPECT(turn == 1);
    wake_one();
    join(t);
    EXPECT(turn == 2);
}

static unsigned long progress[3];
static bool stop;

/* Never gives up the CPU: only "interrupts" come by. */
static void *hog(void *arg)
{
    unsigned long *mine = arg;

    while (!stop) {
        ++*mine;
        now += MS / 4;
        irq_save();
        fake_percpu.irq_pending = 1;
        irq_unmask();
    }
    return NULL;
}

static void test_preemption(void)
{
    struct thread *t[3];

    for (int i = 0; i < 3; i++) {
        t[i] = start(hog, &progress[i]);
    }
    thread_sleep_until(now + 3000 * MS);
    stop = true;
    for (int i = 0; i < 3; i++) {
        join(t[i]);
    }
    unsigned long all = progress[0] + progress[1] + progress[2];
    EXPECT(all > 10000);
    for (int i = 0; i < 3; i++) {
        EXPECT(progress[i] > all / 4 && progress[i] < all / 2);
    }

    /* Preemption that is off stays off, and is made up for when it comes on. */
    stop = false;
    memset(progress, 0, sizeof(progress));
    thread_preempt_disable();
    t[0] = start(hog, &progress[0]);
    for (int i = 0; i < 100; i++) {
        now += 5 * MS;
        irq_unmask();
    }
    EXPECT(progress[0] == 0 && fake_percpu.need_resched);
    thread_preempt_enable();
    EXPECT(progress[0] != 0);
    stop = true;
    join(t[0]);
}

static void *yielder(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        thread_yield();
        ++*(unsigned long *)arg;
        EXPECT(progress[0] - progress[1] + 1 <= 2); /* strictly in turn */
    }
    return NULL;
}

static void test_yield(void)
{
    memset(progress, 0, sizeof(progress));
    fake_percpu.irq_pending = 0;
    clock_sets = 0;
    struct thread *a = start(yielder, &progress[0]);
    struct thread *b = start(yielder, &progress[1]);
    join(a);
    join(b);
    EXPECT(progress[0] == 1000 && progress[1] == 1000);
    EXPECT(clock_sets <= 1); /* a switch doesn't touch the clock */
    fake_percpu.irq_pending = 1;
}

static unsigned fired;
static struct timer again;

static void count_firing(struct timer *t)
{
    EXPECT(irq_is_masked() && !timer_armed(t));
    fired++;
    if (t == &again) {
        timer_arm(t, now); /* at once, for ever: must not keep the CPU */
    }
}

static void test_timers(void)
{
    static struct timer t[200];

    for (unsigned i = 0; i < 200; i++) {
        timer_init(&t[i], count_firing);
        EXPECT(!timer_cancel(&t[i]));
        timer_arm(&t[i], now + 10 * MS + i * 1000);
        timer_arm(&t[i], now + 5 * MS + (i * 7919) % 200 * 1000);
    }
    for (unsigned i = 0; i < 200; i += 2) {
        EXPECT(timer_cancel(&t[i]) && !timer_armed(&t[i]));
    }
    thread_sleep_until(now + 20 * MS);
    EXPECT(fired == 100);
    timer_init(&again, count_firing);
    timer_arm(&again, now);
    for (int i = 0; i < 10; i++) {
        now += 1000;
        irq_unmask();
    }
    EXPECT(fired > 110);
    EXPECT(timer_cancel(&again));

    /* Arming later and cancelling leaves the clock alone. */
    timer_arm(&t[0], now + 100 * MS);
    clock_sets = 0;
    for (unsigned i = 1; i < 100; i++) {
        timer_arm(&t[i], now + 100 * MS + i);
        timer_cancel(&t[i]);
    }
    EXPECT(clock_sets == 0);
    timer_cancel(&t[0]);
}

static void test_attributes(void)
{
    static char own[THREAD_STACK_MIN] __attribute__((aligned(16)));
    struct thread_attr attr = { .stack_size = THREAD_STACK_MIN - 1 };
    struct thread *t;
    void *low;
    size_t size;

    EXPECT(thread_create(&t, &attr, echo, NULL) == -EINVAL);
    attr = (struct thread_attr){ .stack = own };
    EXPECT(thread_create(&t, &attr, echo, NULL) == -EINVAL);
    attr.stack_size = sizeof(own);
    for (int i = 0; i < 100; i++) {
        EXPECT(thread_create(&t, &attr, echo, NULL) == 0);
        thread_stack(t, &low, &size);
        EXPECT(low == own && size == sizeof(own));
        join(t);
    }
    attr = (struct thread_attr){ .stack_size = 100000, .guard_size = 5000 };
    EXPECT(thread_create(&t, &attr, echo, NULL) == 0);
    thread_stack(t, &low, &size);
    EXPECT(size >= 100000 && size < 100000 + PAGE_SIZE);
    uintptr_t end = (uintptr_t)low; /* of the guard pages */
    EXPECT(thread_guarded_at(end - 1) == t && thread_guarded_at(end - 8192) == t);
    EXPECT(thread_guarded_at(end - 8193) == NULL && thread_guarded_at(end) == NULL);
    join(t);
    attr = (struct thread_attr){ .stack_size = SIZE_MAX };
    EXPECT(thread_create(&t, &attr, echo, NULL) == -ENOMEM);
    attr = (struct thread_attr){ .stack_size = 1ul << 40 };
    EXPECT(thread_create(&t, &attr, echo, NULL) == -ENOMEM);
    attr = (struct thread_attr){ .guard_size = SIZE_MAX - 1 };
    EXPECT(thread_create(&t, &attr, echo, NULL) == -ENOMEM);
}

static void test_memory_pressure(void)
{
    static void *hoard[RAM_PAGES];
    struct thread *t;
    size_t n = 0;

    for (int i = 0; i < 5; i++) {
        join(start(echo, NULL)); /* fills the cache */
    }
    while ((hoard[n] = page_alloc(0)) != NULL) {
        n++;
    }
    EXPECT(free_pages() == 0); /* the cache was given up too */
    EXPECT(thread_create(&t, NULL, echo, NULL) == -ENOMEM);
    while (n > 0) {
        page_free(hoard[--n], 0);
    }
    size_t before = free_pages();
    page_ops_fail = true;
    EXPECT(thread_create(&t, NULL, echo, NULL) == -ENOMEM);
    EXPECT(free_pages() == before);
    page_ops_fail = false;
    join(start(echo, NULL));
}

static void *all_tests(void *arg)
{
    (void)arg;
    fake_percpu.irq_pending = 1;
    test_create_join();
    test_no_leak();
    test_detached();
    test_sleep();
    test_waitq();
    test_old_deadline();
    storm = true;
    produced = consumed = 0;
    test_waitq();
    storm = false;
    test_preemption();
    test_yield();
    test_timers();
    test_attributes();
    test_memory_pressure();
    EXPECT(thread_count() == 1);
    return NULL; /* the last thread's end is the machine's */
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
    EXPECT(thread_create(&t, NULL, all_tests, NULL) == 0);
    irq_save();
    sched_idle();
}
