/* sources: libos/libc/heap_map.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heap's page map over 64 GiB of made-up addresses: entries stay what they were set to while
 * the table grows up and down, and addresses that were never entered give 0.
 */
#include <pith/page.h>

#include "libos/libc/heap_impl.h"

#include "unit.h"

#include "fake_cpu.h"

#define BASE    0x7abcde000000ull
#define SPAN    (64ull << 30)
#define ENTRIES 3000u

static unsigned out_of_memory; /* page_alloc_n() fails while it is set */

void *page_alloc_n(size_t npages)
{
    static _Alignas(4096) char pool[6000 * PAGE_SIZE];
    static size_t used;
    if (out_of_memory || (used + npages) * PAGE_SIZE > sizeof(pool)) {
        return NULL;
    }
    char *p = pool + used * PAGE_SIZE;
    used += npages;
    return memset(p, 0xa5, npages * PAGE_SIZE);
}

static void *address(uint64_t page)
{
    return (void *)(uintptr_t)(BASE + page * PAGE_SIZE);
}

static void test_growth(void)
{
    static uint64_t page[ENTRIES];
    uint64_t rng = 42;
    unsigned wrong = 0;
    for (unsigned i = 0; i < ENTRIES; i++) {
        /* Spreading from the middle, so that it grows in both directions. */
        uint64_t reach = SPAN / PAGE_SIZE / ENTRIES * (i + 1);
        page[i] = SPAN / PAGE_SIZE / 2 + unit_random(&rng) % reach - reach / 2;
        wrong += !heap_map_reserve(address(page[i]), 1);
        heap_map_set(address(page[i]), 1 + page[i] % 24);
    }
    for (unsigned i = 0; i < ENTRIES; i++) {
        wrong += heap_map_get(address(page[i])) != 1 + page[i] % 24;
        wrong += heap_map_get((char *)address(page[i]) + 4095) != 1 + page[i] % 24;
    }
    EXPECT(wrong == 0);
    EXPECT(heap_map_get(NULL) == 0);
    EXPECT(heap_map_get((void *)8) == 0);
    EXPECT(heap_map_get((void *)UINTPTR_MAX) == 0);
    EXPECT(heap_map_get((void *)(uintptr_t)(BASE - (1ull << 40))) == 0);
    EXPECT(heap_map_get((void *)(uintptr_t)(BASE + (1ull << 40))) == 0);
    /* Leaves for 64 GiB are 4096 pages; the tables add 8 bytes per leaf, doubled when they grow. */
    EXPECT(heap_map_pages <= 4096 + 64);
}

static void test_across_leaves(void)
{
    char *p = address(3ull * 4096 - 2);
    EXPECT(heap_map_reserve(p, 4 + 4096));
    for (unsigned i = 0; i < 4 + 4096; i += 3) {
        heap_map_set(p + i * PAGE_SIZE, 1 + i % 20);
        EXPECT(heap_map_get(p + i * PAGE_SIZE) == 1 + i % 20);
    }
}

static void test_no_memory(void)
{
    out_of_memory = 1;
    EXPECT(!heap_map_reserve((void *)(uintptr_t)(BASE + (1ull << 41)), 1));
    EXPECT(heap_map_get((void *)(uintptr_t)(BASE + (1ull << 41))) == 0);
    out_of_memory = 0;
    EXPECT(heap_map_reserve((void *)(uintptr_t)(BASE + (1ull << 38)), 1));
}

int main(void)
{
    test_growth();
    test_across_leaves();
    test_no_memory();
    return unit_done();
}
