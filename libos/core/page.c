/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page allocator: a binary buddy over the RAM ranges that the boot protocol left free.
 *
 * Each range keeps one state byte per page at its start. Only the byte of a block's first page (its
 * head) counts, and a head's byte is always written when the block comes into being. A block's buddy,
 * if it lies in the range, begins with a head too (were it inside a larger block, that block would
 * contain ours), so no other byte is ever read: a range needs no clearing, whatever its size.
 */
#include <pith/page.h>

#include <stdint.h>

#include <pith/list.h>
#include <pith/panic.h>
#include <pith/spinlock.h>

#define STATE_INSIDE 0x00 /* not a head any more; leaves no stale head behind after a merge */
#define STATE_USED   0x40 /* | order */
#define STATE_FREE   0x80 /* | order */

struct range {
    char *start; /* first page that can be allocated */
    char *end;
    uint8_t *state;
};

/* All of it under `lock`, the innermost lock of libos/core. The lists run through the free pages. */
static struct spinlock lock = SPINLOCK_INIT;
static struct range ranges[BOOT_MAX_RAM];
static unsigned nranges;
static struct list free_list[PAGE_MAX_ORDER + 1];
static uint32_t nonempty; /* bit n: free_list[n] has a block */
static struct page_stats stats;

static size_t (*reclaimers[PAGE_MAX_RECLAIM])(void); /* filled at start-up */

_Static_assert(PAGE_MAX_ORDER < 32, "one bit per order");

static unsigned floor_log2(size_t n)
{
    return 63 - (unsigned)__builtin_clzl(n);
}

static struct range *range_of(const void *block)
{
    for (unsigned i = 0; i < nranges; i++) {
        if ((const char *)block >= ranges[i].start && (const char *)block < ranges[i].end) {
            return &ranges[i];
        }
    }
    PANIC("page allocator: %p is no page of ours", block);
}

static uint8_t *state_of(struct range *r, const void *block)
{
    return &r->state[(size_t)((const char *)block - r->start) >> PAGE_SHIFT];
}

static void insert_free(struct range *r, void *block, unsigned order)
{
    *state_of(r, block) = STATE_FREE | order;
    list_insert(free_list[order].next, block);
    nonempty |= 1u << order;
}

static void remove_free(void *block, unsigned order)
{
    struct list *node = block;

    /* The links lie in free memory: somebody who writes there is found out here. */
    ASSERT(node->next->prev == node && node->prev->next == node);
    list_remove(node);
    if (list_empty(&free_list[order])) {
        nonempty &= ~(1u << order);
    }
}

/* Take a block of that order, splitting the smallest one that is large enough. */
static void *take(unsigned order)
{
    uint32_t fitting = nonempty & ~((1u << order) - 1);
    if (fitting == 0) {
        return NULL;
    }
    unsigned have = (unsigned)__builtin_ctz(fitting);
    char *block = (char *)free_list[have].next;
    struct range *r = range_of(block);
    remove_free(block, have);
    while (have > order) {
        have--;
        insert_free(r, block + (PAGE_SIZE << have), have);
    }
    *state_of(r, block) = STATE_USED | order;
    stats.free -= 1UL << order;
    return block;
}

static void give_back(void *pages, unsigned order)
{
    char *block = pages;
    struct range *r = range_of(block);

    if (*state_of(r, block) != (STATE_USED | order)) {
        PANIC("page allocator: free of %p, order %u, but its state is 0x%x (freed twice?)", pages,
              order, *state_of(r, block));
    }
    stats.free += 1UL << order;
    while (order < PAGE_MAX_ORDER) {
        char *buddy = (char *)((uintptr_t)block ^ (PAGE_SIZE << order));
        if (buddy < r->start || buddy >= r->end || *state_of(r, buddy) != (STATE_FREE | order)) {
            break;
        }
        remove_free(buddy, order);
        *state_of(r, buddy > block ? buddy : block) = STATE_INSIDE;
        block = buddy < block ? buddy : block;
        order++;
    }
    insert_free(r, block, order);
}

/*
 * Give the tail behind the first npages of a used block back. The rest becomes one used block for
 * each bit of npages, the largest first, which is how page_free_n() finds them again.
 */
static void trim(char *block, unsigned order, size_t npages)
{
    struct range *r = range_of(block);
    size_t total = 1UL << order;
    size_t at = 0;

    for (size_t left = npages; left != 0;) {
        unsigned o = floor_log2(left);
        *state_of(r, block + (at << PAGE_SHIFT)) = STATE_USED | o;
        at += 1UL << o;
        left -= 1UL << o;
    }
    stats.free += total - npages;
    while (at < total) {
        /* The buddy of each of these is in use, at least in part: nothing to merge. */
        unsigned o = (unsigned)__builtin_ctzl(at);
        insert_free(r, block + (at << PAGE_SHIFT), o);
        at += 1UL << o;
    }
}

static void *alloc_locked(size_t npages, unsigned order)
{
    bool was = spin_lock(&lock);
    char *block = take(order);
    if (block != NULL) {
        if (npages != 1UL << order) {
            trim(block, order, npages);
        }
        if (stats.free < stats.low) {
            stats.low = stats.free;
        }
    }
    spin_unlock(&lock, was);
    return block;
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

static void *alloc(size_t npages, unsigned order)
{
    void *block = alloc_locked(npages, order);
    if (block == NULL && !irq_is_masked() && page_reclaim() != 0) {
        block = alloc_locked(npages, order);
    }
    return block;
}

void *page_alloc(unsigned order)
{
    return order > PAGE_MAX_ORDER ? NULL : alloc(1UL << order, order);
}

void *page_alloc_n(size_t npages)
{
    if (npages == 0 || npages > 1UL << PAGE_MAX_ORDER) {
        return NULL;
    }
    return alloc(npages, npages == 1 ? 0 : floor_log2(npages - 1) + 1);
}

void page_free(void *block, unsigned order)
{
    bool was = spin_lock(&lock);
    give_back(block, order);
    spin_unlock(&lock, was);
}

/* Give back the used blocks that alloc_n made of npages. */
static void give_back_n(char *at, size_t npages)
{
    while (npages != 0) {
        unsigned order = floor_log2(npages);
        give_back(at, order);
        at += PAGE_SIZE << order;
        npages -= 1UL << order;
    }
}

void page_free_n(void *block, size_t npages)
{
    bool was = spin_lock(&lock);
    give_back_n(block, npages);
    spin_unlock(&lock, was);
}

void page_shrink(void *block, size_t had, size_t npages)
{
    ASSERT(npages != 0 && npages <= had);
    if (npages == had) {
        return;
    }
    /* The blocks of the leading bits that both numbers share stay; the next one of `had` is cut. */
    unsigned order = floor_log2(had ^ npages);
    size_t kept = had >> (order + 1) << (order + 1);
    char *cut = (char *)block + (kept << PAGE_SHIFT);

    bool was = spin_lock(&lock);
    give_back_n(cut + (PAGE_SIZE << order), had - kept - (1UL << order));
    if (npages != kept) {
        trim(cut, order, npages - kept);
    } else {
        give_back(cut, order);
    }
    spin_unlock(&lock, was);
}

void page_stats(struct page_stats *out)
{
    bool was = spin_lock(&lock);
    *out = stats;
    spin_unlock(&lock, was);
}

/* Enter one range: its state bytes first, the rest cut into the largest aligned blocks. */
static void add_range(char *start, size_t npages)
{
    size_t own = (npages + PAGE_SIZE - 1) >> PAGE_SHIFT;
    if (npages <= own || nranges == BOOT_MAX_RAM) {
        return;
    }
    struct range *r = &ranges[nranges++];
    r->state = (uint8_t *)start;
    r->start = start + (own << PAGE_SHIFT);
    r->end = start + (npages << PAGE_SHIFT);
    stats.total += npages - own;
    for (char *at = r->start; at < r->end;) {
        size_t left = (size_t)(r->end - at) >> PAGE_SHIFT;
        unsigned order = floor_log2(left);
        unsigned aligned = (unsigned)__builtin_ctzl((uintptr_t)at >> PAGE_SHIFT);
        order = order < aligned ? order : aligned;
        order = order < PAGE_MAX_ORDER ? order : PAGE_MAX_ORDER;
        insert_free(r, at, order);
        at += PAGE_SIZE << order;
    }
}

void page_init(const struct boot_info *info)
{
    for (unsigned i = 0; i <= PAGE_MAX_ORDER; i++) {
        list_init(&free_list[i]);
    }
    for (size_t i = 0; i < info->nram && i < BOOT_MAX_RAM; i++) {
        add_range(info->ram[i].start, info->ram[i].npages);
    }
    stats.free = stats.total;
    stats.low = stats.total;
}
