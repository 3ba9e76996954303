/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heap's blocks of whole pages: from the page allocator, with their length in the page map.
 *
 * Nothing is kept here for the next allocation: the page allocator does that itself.
 */
#include "heap_impl.h"

#include <pith/heap.h>
#include <pith/page.h>

size_t heap_large_pages;

/* Enter the length of a block. Context: heap_lock held, entries reserved. */
static void length_set(char *p, size_t npages)
{
    if (npages < 32) {
        heap_map_set(p, (unsigned)(HEAP_MAP_LARGE | npages));
        return;
    }
    heap_map_set(p, (unsigned)(HEAP_MAP_LARGE | HEAP_MAP_LONG | (npages & 0x1f)));
    size_t rest = npages >> 5;
    for (size_t i = 1; i <= HEAP_MAP_NMORE; i++) {
        heap_map_set(p + i * PAGE_SIZE, (unsigned)(HEAP_MAP_MORE | (rest & 0xf)));
        rest >>= 4;
    }
}

/* Take the length out again, so that a second free() of the block finds nothing. */
static void length_clear(char *p, size_t npages)
{
    size_t n = npages < 32 ? 1 : 1 + HEAP_MAP_NMORE;
    for (size_t i = 0; i < n; i++) {
        heap_map_set(p + i * PAGE_SIZE, 0);
    }
}

size_t heap_large_npages(const void *p)
{
    size_t first = heap_map_get(p), npages = first & 0x1f;
    if (first & HEAP_MAP_LONG) {
        const char *page = p;
        for (size_t i = 1; i <= HEAP_MAP_NMORE; i++) {
            npages |= (heap_map_get(page + i * PAGE_SIZE) & 0xf) << (1 + 4 * i);
        }
    }
    return npages;
}

/*
 * npages, or the few more that it takes for a block that begins at a multiple of `align`: the page
 * allocator aligns a block to its size rounded up to a power of two.
 */
static size_t pages_for_alignment(size_t npages, size_t align)
{
    size_t least = align / PAGE_SIZE / 2 + 1;
    return align > PAGE_SIZE && npages < least ? least : npages;
}

/*
 * Enter a block in the map and the counters. False: no memory for the map. Context: heap_lock
 * held.
 */
static bool enter(char *p, size_t npages)
{
    uint8_t *entry = heap_map_entry(p);
    if (__builtin_expect(npages < 32 && entry != NULL, 1)) {
        *entry = (uint8_t)(HEAP_MAP_LARGE | npages); /* the other pages need no entry */
    } else {
        if (!heap_map_reserve(p, npages)) {
            return false;
        }
        length_set(p, npages);
    }
    heap_pages += npages;
    heap_large_pages += npages;
    return true;
}

/* Take it out again; returns its length. Context: heap_lock held. */
static inline size_t leave(char *p)
{
    uint8_t *entry = heap_map_entry(p);
    size_t npages = *entry & 0x1f;
    if (__builtin_expect(!(*entry & HEAP_MAP_LONG), 1)) {
        *entry = 0;
    } else {
        npages = heap_large_npages(p);
        length_clear(p, npages);
    }
    heap_pages -= npages;
    heap_large_pages -= npages;
    return npages;
}

void *heap_large_alloc(size_t npages, size_t align)
{
    npages = pages_for_alignment(npages, align);
    void *p = page_alloc_n(npages);
    if (p == NULL) {
        return NULL;
    }
    bool was = spin_lock(&heap_lock);
    bool entered = enter(p, npages);
    spin_unlock(&heap_lock, was);
    if (!entered) {
        page_free_n(p, npages);
        return NULL;
    }
    return p;
}

void heap_large_free(void *p)
{
    bool was = spin_lock(&heap_lock);
    size_t npages = leave(p);
    spin_unlock(&heap_lock, was);
    page_free_n(p, npages);
}

void heap_large_shrink(void *p, size_t npages)
{
    bool was = spin_lock(&heap_lock);
    size_t had = leave(p);
    enter(p, npages);
    spin_unlock(&heap_lock, was);
    page_shrink(p, had, npages);
}
