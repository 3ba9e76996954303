/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP's allocator: our heap, with lists of free blocks before it and a limit for all of it together.
 *
 * Each block has a word before it that says which list it belongs to, and whether it is in use: so
 * neither the heap's map nor its size has to be asked for.
 */
#include "net_pool.h"

#include <string.h>

#include <lwip/opt.h>

#include <pith/heap.h>
#include <pith/page.h>
#include <pith/panic.h>

#define UNIT        64u            /* small sizes are told apart by this */
#define SMALL_MAX   2048u          /* bytes of a block, its head included */
#define LARGE_PAGES 17u            /* the longest segment that TCP makes, 64 KiB, and its headers */
#define SMALL_KEPT  256u           /* blocks of a list at most: what one batch of a device may free */
#define NSMALL      12u
#define NLISTS      (NSMALL + LARGE_PAGES)

/*
 * Stands before each block: its pool, and the complement of that while it is kept. So a block that is
 * freed twice, or was no block, shows.
 */
struct head {
    uintptr_t pool;
};

#define HEAD sizeof(struct head)

_Static_assert(HEAD % MEM_ALIGNMENT == 0, "what follows the head is aligned for lwIP");

struct kept {
    struct kept *next;
};

struct pool {
    struct kept *first;
    uint32_t room;   /* how many more may be kept; 0 for large ones, which have large_room */
    uint32_t n;      /* room at the start; for large ones how many are kept */
    uint32_t bytes;  /* what the heap is asked for */
    uint32_t usable; /* what it gave for that at first; others go back to it. 0: none yet */
};

/* Multiples of UNIT that are sizes of the heap's, too. */
static const uint16_t small_bytes[NSMALL] = { 0, 64, 128, 192, 256, 384, 512, 768, 1024, 1280, 1792, 2048 };

static struct pool pools[NLISTS]; /* the first never has anything */
static uint8_t small_list[SMALL_MAX / UNIT + 1]; /* by (bytes + UNIT - 1) / UNIT */
static size_t large_room;                        /* bytes of large blocks that may be kept still */
static size_t held, limit;                       /* held: in use and kept */
static uint64_t refused;

void net_pool_init(size_t bytes)
{
    unsigned list = 1;

    limit = bytes;
    large_room = bytes / 32;
    for (unsigned i = 1; i <= SMALL_MAX / UNIT; i++) {
        list += i * UNIT > small_bytes[list];
        small_list[i] = (uint8_t)list;
    }
    for (unsigned i = 1; i < NSMALL; i++) {
        size_t max = bytes / 256 / small_bytes[i];
        pools[i].n = pools[i].room = max < SMALL_KEPT ? (uint32_t)max : SMALL_KEPT;
        pools[i].bytes = small_bytes[i];
    }
    for (unsigned i = NSMALL; i < NLISTS; i++) {
        pools[i].bytes = (uint32_t)((i - NSMALL + 1) * PAGE_SIZE);
    }
}

static inline struct head *head_of(void *p)
{
    return (struct head *)p - 1;
}

static __attribute__((noinline, cold)) _Noreturn void bad_block(const void *p)
{
    PANIC("network: %p is no block of the stack, or was freed before", p);
}

static inline struct pool *pool_for(size_t size)
{
    if (__builtin_expect(size <= SMALL_MAX - HEAD, 1)) {
        return &pools[small_list[(size + HEAD + UNIT - 1) / UNIT]];
    }
    return size > LARGE_PAGES * PAGE_SIZE - HEAD ? &pools[0] : &pools[NSMALL + (size + HEAD - 1) / PAGE_SIZE];
}

static inline bool is_large(const struct pool *pool)
{
    return pool >= &pools[NSMALL];
}

static unsigned count_kept(const struct pool *pool)
{
    return is_large(pool) ? pool->n : pool->n - pool->room;
}

static void free_block(struct head *h)
{
    held -= heap_usable(h);
    h->pool = 0;
    heap_free(h);
}

/* Free what the pools from `pool` on keep; whether there was something. */
static bool drain_from(struct pool *pool)
{
    size_t before = held;

    for (; pool < &pools[NLISTS]; pool++) {
        while (pool->first != NULL) {
            struct kept *k = pool->first;
            pool->first = k->next;
            free_block(head_of(k));
        }
        if (is_large(pool)) {
            large_room += (size_t)pool->n * pool->bytes;
            pool->n = 0;
        } else {
            pool->room = pool->n;
        }
    }
    return held != before;
}

bool net_pool_drain(void)
{
    return drain_from(pools);
}

static __attribute__((noinline)) void *alloc_from_heap(size_t size, struct pool *pool)
{
    size_t bytes = pool != pools ? pool->bytes : size + HEAD;
    struct head *h = NULL;

    if (is_large(pool) && large_room < bytes) {
        drain_from(&pools[NSMALL]); /* what is kept has lengths that nobody wants any more */
    }
    do {
        h = bytes > size && bytes <= limit && held <= limit - bytes ? heap_alloc(bytes) : NULL;
    } while (h == NULL && net_pool_drain());
    if (h == NULL) {
        refused++;
        return NULL;
    }
    size_t usable = heap_usable(h);
    held += usable;
    if (pool != pools && pool->usable == 0) {
        pool->usable = (uint32_t)usable;
    }
    h->pool = (uintptr_t)(usable == pool->usable ? pool : pools);
    return h + 1;
}

void *net_mem_alloc(size_t size)
{
    struct pool *pool = pool_for(size);
    struct kept *k = pool->first;

    if (__builtin_expect(k == NULL, 0)) {
        return alloc_from_heap(size, pool);
    }
    if (__builtin_expect(head_of(k)->pool != ~(uintptr_t)pool, 0)) {
        bad_block(k);
    }
    head_of(k)->pool = (uintptr_t)pool;
    pool->first = k->next;
    if (__builtin_expect(is_large(pool), 0)) {
        pool->n--;
        large_room += pool->bytes;
    } else {
        pool->room++;
    }
    return k;
}

void *net_mem_calloc(size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes)) {
        return NULL;
    }
    void *p = net_mem_alloc(bytes);
    if (p != NULL) {
        memset(p, 0, bytes);
    }
    return p;
}

static inline void keep(struct pool *pool, void *p)
{
    struct kept *k = p;

    head_of(p)->pool = ~(uintptr_t)pool;
    k->next = pool->first;
    pool->first = k;
}

static __attribute__((noinline)) void free_to_heap(struct pool *pool, void *p)
{
    if (is_large(pool) && large_room >= pool->bytes) {
        large_room -= pool->bytes;
        pool->n++;
        keep(pool, p);
    } else {
        free_block(head_of(p));
    }
}

void net_mem_free(void *p)
{
    if (p == NULL) {
        return;
    }
    struct pool *pool = (struct pool *)head_of(p)->pool;
    if (__builtin_expect((uintptr_t)pool - (uintptr_t)pools >= sizeof(pools), 0)) {
        bad_block(p);
    }
    if (__builtin_expect(pool->room == 0, 0)) {
        free_to_heap(pool, p);
        return;
    }
    pool->room--;
    keep(pool, p);
}

void net_pool_refuse(void)
{
    refused++;
}

void net_pool_stats(struct net_pool_stats *out)
{
    size_t kept = 0;

    for (const struct pool *pool = pools; pool < &pools[NLISTS]; pool++) {
        kept += (size_t)count_kept(pool) * pool->usable;
    }
    *out = (struct net_pool_stats){ .used = held - kept, .kept = kept, .limit = limit, .refused = refused };
}
