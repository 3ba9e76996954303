/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of threads: their block, guard page and stack, and a cache of it, because unmapping a
 * guard page is the dearest part of creating a thread.
 */
#include <errno.h>
#include <string.h>

#include <pith/page.h>

#include "sched.h"

#define CACHE_MAX_PAGES 512u /* 16 threads of the default size */
#define CACHE_SHARE     64u  /* at most this part of RAM */

static struct spinlock lock = SPINLOCK_INIT;
static struct list cache = LIST_INIT(cache); /* struct thread, by run; the last is freed first */
static size_t cached_pages;
static size_t keep_pages;

static size_t round_up(size_t size)
{
    return (size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
}

/* A cached piece of that shape, taken out, or NULL. */
static struct thread *take_fitting(size_t npages, size_t guard_size)
{
    struct thread *found = NULL;

    bool was = spin_lock(&lock);
    for (struct list *at = cache.next; at != &cache; at = at->next) {
        struct thread *t = LIST_ENTRY(at, struct thread, run);
        if (t->memory.npages == npages && t->memory.guard_size == guard_size) {
            list_remove(at);
            cached_pages -= npages;
            found = t;
            break;
        }
    }
    spin_unlock(&lock, was);
    return found;
}

int thread_memory_get(struct thread_memory *out, size_t stack_size, size_t guard_size,
                      bool own_stack)
{
    size_t block = round_up(tls_block_size());
    size_t guard = 0;
    size_t stack = 0;

    if (own_stack) {
        if (stack_size > SIZE_MAX / 4 || guard_size > SIZE_MAX / 4) {
            return -ENOMEM;
        }
        guard = guard_size == 0 ? PAGE_SIZE : round_up(guard_size);
        stack = round_up(stack_size);
        if (stack == 0) {
            /*
             * The whole piece is a power of two, where the block is small: no waste in the buddy.
             */
            stack = THREAD_STACK_DEFAULT;
            stack -= block + guard <= stack / 4 ? block + guard : 0;
        }
    }
    size_t npages = (block + guard + stack) >> PAGE_SHIFT;
    struct thread *old = take_fitting(npages, guard);
    if (old != NULL) {
        *out = old->memory;
        return 0;
    }
    out->block = page_alloc_n(npages);
    if (out->block == NULL) {
        return -ENOMEM;
    }
    out->npages = npages;
    out->guard = out->block + block;
    out->guard_size = guard;
    out->stack = out->guard + guard;
    out->stack_size = stack;
    struct page_op unmap = { out->guard, NULL, guard >> PAGE_SHIFT, PAGE_PROT_NONE };
    if (guard != 0 && platform_page_ops(&unmap, 1) != 0) {
        page_free_n(out->block, npages);
        return -ENOMEM;
    }
    return 0;
}

void thread_memory_put(struct thread *t)
{
    /* What is freed first stands last: a large stack must not push the usual ones out. */
    bool large = t->memory.npages > keep_pages / 4;

    bool was = spin_lock(&lock);
    list_insert(large ? &cache : cache.next, &t->run);
    cached_pages += t->memory.npages;
    spin_unlock(&lock, was);
}

/*
 * Free a piece; returns its pages. 0 when the guard can't be mapped back: the piece is lost then.
 */
static size_t release(struct thread *t)
{
    struct thread_memory m = t->memory;
    struct page_op map = { m.guard, m.guard, m.guard_size >> PAGE_SHIFT,
                           PAGE_PROT_READ | PAGE_PROT_WRITE };

    if (m.guard_size != 0 && platform_page_ops(&map, 1) != 0) {
        return 0;
    }
    page_free_n(m.block, m.npages);
    return m.npages;
}

static size_t trim(size_t keep)
{
    size_t freed = 0;

    for (;;) {
        struct thread *t = NULL;
        bool was = spin_lock(&lock);
        if (cached_pages > keep) {
            t = LIST_ENTRY(cache.prev, struct thread, run);
            list_remove(&t->run);
            cached_pages -= t->memory.npages;
        }
        spin_unlock(&lock, was);
        if (t == NULL) {
            return freed;
        }
        freed += release(t);
    }
}

void thread_memory_trim(void)
{
    if (cached_pages > keep_pages) {
        trim(keep_pages);
    }
}

static size_t reclaim(void)
{
    return trim(0);
}

void thread_memory_init(void)
{
    struct page_stats stats;

    page_stats(&stats);
    keep_pages = stats.total / CACHE_SHARE;
    if (keep_pages > CACHE_MAX_PAGES) {
        keep_pages = CACHE_MAX_PAGES;
    }
    page_add_reclaim(reclaim);
}
