/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page allocator: lock, counts, and a few parked blocks in front of the buddy.
 *
 * A program that takes and gives back blocks of one size would have the buddy split and merge the
 * same block over all orders each time. So the blocks that were freed last are parked as they are;
 * who wants that size gets one at once. They count as free, and go to the buddy before an
 * allocation fails.
 */
#include <pith/page.h>

#include <pith/panic.h>
#include <pith/spinlock.h>

#include "page_buddy.h"

#define PARKED_MAX       4
#define PARKED_MAX_PAGES 512u /* 2 MiB: larger blocks are rare and worth merging */

/* Of all here and of the buddy. The innermost lock of libos/core. */
static struct spinlock lock = SPINLOCK_INIT;

static struct page_stats stats;
static struct parked {
    void *block; /* NULL: nothing */
    size_t npages;
} parked[PARKED_MAX];
static unsigned next_out; /* whose turn it is to make room */
static size_t (*reclaimers[PAGE_MAX_RECLAIM])(void); /* filled at start-up */

static void *take_parked(size_t npages)
{
    for (unsigned i = 0; i < PARKED_MAX; i++) {
        void *block = parked[i].block;
        if (parked[i].npages == npages && block != NULL) {
            parked[i].block = NULL;
            next_out = i; /* its place is free */
            buddy_unpark(block, npages);
            return block;
        }
    }
    return NULL;
}

static void unpark(struct parked *p)
{
    if (p->block != NULL) {
        buddy_unpark(p->block, p->npages);
        buddy_give(p->block, p->npages);
        p->block = NULL;
    }
}

static void unpark_all(void)
{
    for (unsigned i = 0; i < PARKED_MAX; i++) {
        unpark(&parked[i]);
    }
}

static void *take(size_t npages)
{
    bool was = spin_lock(&lock);
    void *block = take_parked(npages);
    if (block == NULL) {
        block = buddy_take(npages);
    }
    if (block == NULL && npages <= stats.free) {
        unpark_all();
        block = buddy_take(npages);
    }
    if (block != NULL) {
        stats.free -= npages;
        if (stats.free < stats.low) {
            stats.low = stats.free;
        }
    }
    spin_unlock(&lock, was);
    return block;
}

void *page_alloc_n(size_t npages)
{
    if (npages == 0 || npages > 1UL << PAGE_MAX_ORDER) {
        return NULL;
    }
    void *block = take(npages);
    if (block == NULL && !irq_is_masked() && page_reclaim() != 0) {
        block = take(npages);
    }
    return block;
}

void *page_alloc(unsigned order)
{
    return order > PAGE_MAX_ORDER ? NULL : page_alloc_n(1UL << order);
}

void page_free_n(void *block, size_t npages)
{
    ASSERT(npages != 0);
    bool was = spin_lock(&lock);
    if (npages <= PARKED_MAX_PAGES) {
        buddy_park(block, npages);
        unpark(&parked[next_out]);
        parked[next_out] = (struct parked){ block, npages };
        next_out = (next_out + 1) % PARKED_MAX;
    } else {
        buddy_give(block, npages);
    }
    stats.free += npages;
    spin_unlock(&lock, was);
}

void page_free(void *block, unsigned order)
{
    page_free_n(block, 1UL << order);
}

void page_shrink(void *block, size_t had, size_t npages)
{
    ASSERT(npages != 0 && npages <= had);
    bool was = spin_lock(&lock);
    buddy_shrink(block, had, npages);
    stats.free += had - npages;
    spin_unlock(&lock, was);
}

void page_stats(struct page_stats *out)
{
    bool was = spin_lock(&lock);
    *out = stats;
    spin_unlock(&lock, was);
}

size_t page_reclaim(void)
{
    size_t npages = 0;

    for (unsigned i = 0; i < PAGE_MAX_RECLAIM && reclaimers[i] != NULL; i++) {
        npages += reclaimers[i]();
    }
    return npages;
}

void page_add_reclaim(size_t (*reclaim)(void))
{
    unsigned i = 0;

    while (i < PAGE_MAX_RECLAIM && reclaimers[i] != NULL) {
        i++;
    }
    ASSERT(i < PAGE_MAX_RECLAIM);
    reclaimers[i] = reclaim;
}

void page_init(const struct boot_info *info)
{
    stats.total = buddy_init(info);
    stats.free = stats.total;
    stats.low = stats.total;
}
