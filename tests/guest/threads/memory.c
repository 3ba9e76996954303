/* SPDX-License-Identifier: BSD-2-Clause */
/* Stacks with their guard pages, and the page allocator with all of the machine's memory. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <pith/page.h>
#include <pith/platform.h>
#include <pith/thread.h>

#include "tests.h"

static bool readable(const void *p)
{
    char c;

    return platform_probe_read(&c, p, 1) == 0;
}

static void *use_stack(void *arg)
{
    char *low;
    size_t size;

    thread_stack(thread_current(), (void **)&low, &size);
    char *here = __builtin_frame_address(0);
    EXPECT(here > low && here <= low + size && low + size - here < 1024);
    EXPECT(size >= (arg != NULL ? *(size_t *)arg : THREAD_STACK_DEFAULT * 3 / 4));
    /* All of it is memory, the page below isn't. */
    for (char *p = low; p < here - 4096; p += 512) {
        *(volatile char *)p = 1;
    }
    EXPECT(readable(low) && !readable(low - 1) && !readable(low - PAGE_SIZE));
    EXPECT(!readable(NULL) && !readable((void *)8));
    return low;
}

static void stacks(void)
{
    static size_t sizes[] = { THREAD_STACK_MIN, 100000, 1 << 20 };
    struct thread *t;
    char *low;

    EXPECT(thread_create(&t, NULL, use_stack, NULL) == 0);
    EXPECT(thread_join(t, NULL, UINT64_MAX) == 0);
    for (int i = 0; i < 3; i++) {
        struct thread_attr attr = { .stack_size = sizes[i] };
        EXPECT(thread_create(&t, &attr, use_stack, &sizes[i]) == 0);
        EXPECT(thread_join(t, (void **)&low, UINT64_MAX) == 0);
    }
    /* Memory that was a guard page is plain memory once it was given back. */
    EXPECT(page_reclaim() > 0);
    EXPECT(readable(low - PAGE_SIZE));
}

static void *echo(void *arg)
{
    return arg;
}

static void own_stack(void)
{
    static char stack[THREAD_STACK_MIN];
    struct thread_attr attr = { .stack = stack, .stack_size = sizeof(stack) };
    struct thread *t;

    for (int i = 0; i < 100; i++) {
        EXPECT(thread_create(&t, &attr, echo, NULL) == 0);
        EXPECT(thread_join(t, NULL, UINT64_MAX) == 0);
    }
    attr.stack_size = THREAD_STACK_MIN - 1;
    EXPECT(thread_create(&t, &attr, echo, NULL) == -EINVAL);
}

/*
 * Take everything in blocks of `order`, threaded through the blocks themselves; returns the last.
 */
static void *take_all(unsigned order, size_t *n)
{
    void *list = NULL;
    void **block;

    for (*n = 0; (block = page_alloc(order)) != NULL; ++*n) {
        *block = list;
        list = block;
    }
    return list;
}

static void give_all(void *list, unsigned order)
{
    while (list != NULL) {
        void *next = *(void **)list;
        page_free(list, order);
        list = next;
    }
}

static void exhaustion(void)
{
    struct page_stats before, after;
    size_t first, n;

    (void)page_reclaim();
    page_stats(&before);
    give_all(take_all(4, &first), 4);
    for (int round = 0; round < 1000; round++) {
        void *list = take_all(4, &n);
        EXPECT(n == first);
        give_all(list, 4);
    }
    void *list = take_all(0, &n);
    EXPECT(n == before.free);
    struct thread *t;
    EXPECT(thread_create(&t, NULL, echo, NULL) == -ENOMEM);
    give_all(list, 0);
    page_stats(&after);
    EXPECT(after.free == before.free && after.low == 0);
    EXPECT(thread_create(&t, NULL, echo, NULL) == 0);
    EXPECT(thread_join(t, NULL, UINT64_MAX) == 0);
}

/* Each page is a different one: write its address into each, then look. */
static void distinct(void)
{
    size_t n, good = 0;
    void *list = take_all(0, &n);

    for (void **p = list; p != NULL; p = *p) {
        p[1] = p;
        p[511] = p;
    }
    for (void **p = list; p != NULL; p = *p) {
        good += p[1] == p && p[511] == p;
    }
    EXPECT(good == n);
    give_all(list, 0);
}

const struct test memory_tests[] = {
    { "stacks", stacks },
    { "own-stack", own_stack },
    { "exhaustion", exhaustion },
    { "distinct-pages", distinct },
    { NULL, NULL },
};
