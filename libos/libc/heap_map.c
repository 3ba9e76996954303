/* SPDX-License-Identifier: BSD-2-Clause */
/* The heap's page map: one byte per page, in leaves behind a table that grows with the heap. */
#include "heap_impl.h"

#include <pith/heap.h>
#include <pith/page.h>

#define FIRST_LEAVES 8u /* 128 MiB; a table of its own costs pages only above that */

static struct {
    struct heap_map map;
    uint8_t *leaf[FIRST_LEAVES];
} first_map = { .map = { .nleaves = 0 } };

struct heap_map *heap_map = &first_map.map;
size_t heap_pages;
size_t heap_map_pages;

/* Zeroed pages for a leaf or a table. Context: heap_lock held. */
static void *map_pages(size_t npages)
{
    void *p = page_alloc_n(npages);
    if (p != NULL) {
        __builtin_memset(p, 0, npages * PAGE_SIZE);
        heap_pages += npages;
        heap_map_pages += npages;
    }
    return p;
}

/*
 * Have a table for leaves `first` up to `last`. The old one is left as it is, since somebody may be
 * reading it; each is at least twice as long as the one before, so all the old ones together are no
 * larger.
 */
static bool span(uintptr_t first, uintptr_t last)
{
    struct heap_map *old = heap_map;
    uintptr_t old_first = old->base >> HEAP_LEAF_SHIFT;
    if (old->nleaves == 0) {
        old->base = first << HEAP_LEAF_SHIFT;
        old->nleaves = FIRST_LEAVES;
        old_first = first;
    }
    if (first >= old_first && last < old_first + old->nleaves) {
        return true;
    }
    uintptr_t low = first < old_first ? first : old_first;
    uintptr_t end = last + 1 > old_first + old->nleaves ? last + 1 : old_first + old->nleaves;
    size_t n = end - low > 2 * old->nleaves ? end - low : 2 * old->nleaves;
    struct heap_map *map = map_pages((sizeof(*map) + n * sizeof(map->leaf[0]) + PAGE_SIZE - 1) /
                                     PAGE_SIZE);
    if (map == NULL) {
        return false;
    }
    /* Grow further in the direction in which it grows. */
    low = first < old_first && low >= n - (end - low) ? low - (n - (end - low)) : low;
    map->base = low << HEAP_LEAF_SHIFT;
    map->nleaves = n;
    for (size_t i = 0; i < old->nleaves; i++) {
        map->leaf[old_first - low + i] = old->leaf[i];
    }
    __atomic_store_n(&heap_map, map, __ATOMIC_RELEASE);
    return true;
}

bool heap_map_reserve(const void *page, size_t npages)
{
    uintptr_t first = (uintptr_t)page >> HEAP_LEAF_SHIFT;
    uintptr_t last = ((uintptr_t)page + npages * PAGE_SIZE - 1) >> HEAP_LEAF_SHIFT;
    if (!span(first, last)) {
        return false;
    }
    for (uintptr_t i = first; i <= last; i++) {
        uint8_t **leaf = &heap_map->leaf[i - (heap_map->base >> HEAP_LEAF_SHIFT)];
        if (*leaf == NULL && (*leaf = map_pages(1)) == NULL) {
            return false;
        }
    }
    return true;
}
