/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heap's page map: one byte per page, in a tree of three levels.
 *
 * A leaf is one page and covers 16 MiB, a middle node covers 8 GiB, the root 512 GiB of address
 * space, modulo that size; a machine has less RAM, so no two of its pages share an entry. A small
 * machine pays two pages for it.
 */
#include "heap_impl.h"

#include <pith/heap.h>
#include <pith/page.h>

#define LEAF_SHIFT (PAGE_SHIFT + 12)
#define MID_SHIFT  (LEAF_SHIFT + 9)
#define MID_SLOTS  512u
#define ROOT_SLOTS 64u

struct map_mid {
    uint8_t *leaf[MID_SLOTS];
};

_Static_assert(sizeof(struct map_mid) == PAGE_SIZE, "a middle node is one page");

static struct map_mid *map_root[ROOT_SLOTS];

/* The span in which the heap has ever had pages: outside of it an address is not looked up at all. */
static uintptr_t map_low = UINTPTR_MAX;
static uintptr_t map_high;

static uint8_t **leaf_slot(uintptr_t addr)
{
    struct map_mid *mid = map_root[(addr >> MID_SHIFT) % ROOT_SLOTS];
    return mid == NULL ? NULL : &mid->leaf[(addr >> LEAF_SHIFT) % MID_SLOTS];
}

static inline size_t leaf_index(uintptr_t addr)
{
    return (addr >> PAGE_SHIFT) & (PAGE_SIZE - 1);
}

uint8_t heap_map_get(const void *p)
{
    uintptr_t addr = (uintptr_t)p;
    if (addr < map_low || addr >= map_high) {
        return 0;
    }
    uint8_t **slot = leaf_slot(addr);
    return slot == NULL || *slot == NULL ? 0 : (*slot)[leaf_index(addr)];
}

static void *map_page(void)
{
    void *page = page_alloc(0);
    if (page != NULL) {
        __builtin_memset(page, 0, PAGE_SIZE);
        heap_pages++;
        heap_map_pages++;
    }
    return page;
}

bool heap_map_reserve(const void *page, size_t npages)
{
    uintptr_t addr = (uintptr_t)page;
    uintptr_t end = addr + npages * PAGE_SIZE;
    for (uintptr_t a = addr; a < end; a = ((a >> LEAF_SHIFT) + 1) << LEAF_SHIFT) {
        struct map_mid **mid = &map_root[(a >> MID_SHIFT) % ROOT_SLOTS];
        if (*mid == NULL && (*mid = map_page()) == NULL) {
            return false;
        }
        uint8_t **leaf = &(*mid)->leaf[(a >> LEAF_SHIFT) % MID_SLOTS];
        if (*leaf == NULL && (*leaf = map_page()) == NULL) {
            return false;
        }
    }
    map_low = addr < map_low ? addr : map_low;
    map_high = end > map_high ? end : map_high;
    return true;
}

void heap_map_set(const void *page, uint8_t value)
{
    uintptr_t addr = (uintptr_t)page;
    (*leaf_slot(addr))[leaf_index(addr)] = value;
}
