/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A binary buddy over the RAM ranges that the boot protocol left free.
 *
 * Each range keeps one state byte per page at its start. Only the byte of a block's first page (its
 * head) counts, and a head's byte is always written when the block comes into being. A block's
 * buddy, if it lies in the range, begins with a head too (were it inside a larger block, that block
 * would contain ours), so no other byte is ever read: a range needs no clearing, whatever its size.
 */
#include "page_buddy.h"

#include <stdbool.h>
#include <stdint.h>

#include <pith/list.h>
#include <pith/page.h>
#include <pith/panic.h>

#include "cold.h"

#define STATE_INSIDE 0x00u /* not a head any more; leaves no stale head behind after a merge */
#define STATE_PARKED 0x20u /* | order: in page.c's hands */
#define STATE_USED   0x40u /* | order */
#define STATE_FREE   0x80u /* | order */

struct range {
    char *start; /* first page that can be allocated */
    char *end;
    uint8_t *state;
};

/* All of it under page.c's lock. The lists run through the free pages. */
static struct range ranges[BOOT_MAX_RAM];
static unsigned nranges;
static struct list free_list[PAGE_MAX_ORDER + 1];
static uint32_t nonempty; /* bit n: free_list[n] has a block */

_Static_assert(PAGE_MAX_ORDER < STATE_PARKED, "an order fits below the state bits");

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
    PANIC("pages: %p is no page of ours", block);
}

static uint8_t *state_of(struct range *r, const void *block)
{
    return &r->state[(size_t)((const char *)block - r->start) >> PAGE_SHIFT];
}

static void insert_free(struct range *r, void *block, unsigned order)
{
    *state_of(r, block) = (uint8_t)(STATE_FREE | order);
    list_insert(free_list[order].next, block);
    nonempty |= 1u << order;
}

static void remove_free(void *block, unsigned order)
{
    struct list *node = block;

    /* The links lie in free memory: somebody who writes there is found out here. */
    if (node->next->prev != node || node->prev->next != node) {
        PANIC("pages: %p was written to after it was freed", block);
    }
    list_remove(node);
    if (list_empty(&free_list[order])) {
        nonempty &= ~(1u << order);
    }
}

/* Take a block of that order, splitting the smallest one that is large enough. */
static char *take(unsigned order)
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
    *state_of(r, block) = (uint8_t)(STATE_USED | order);
    return block;
}

/* The block's head must have state `from`; it gets `to`. */
static void change_state(struct range *r, const void *block, unsigned from, unsigned to)
{
    uint8_t *state = state_of(r, block);

    if (*state != from) {
        PANIC("pages: free of %p as 0x%x, but its state is 0x%x (freed twice?)", block, from,
              *state);
    }
    *state = (uint8_t)to;
}

static void give_back(struct range *r, char *block, unsigned order)
{
    change_state(r, block, STATE_USED | order, STATE_INSIDE);
    while (order < PAGE_MAX_ORDER) {
        char *buddy = (char *)((uintptr_t)block ^ (PAGE_SIZE << order));
        if (buddy < r->start || buddy >= r->end || *state_of(r, buddy) != (STATE_FREE | order)) {
            break;
        }
        remove_free(buddy, order);
        *state_of(r, buddy) = STATE_INSIDE;
        block = buddy < block ? buddy : block;
        order++;
    }
    insert_free(r, block, order);
}

/*
 * Cut a used block down to its first npages. The buddies of the tail's pieces are in use: nothing
 * to merge.
 */
static void trim(char *block, unsigned order, size_t npages)
{
    struct range *r = range_of(block);
    size_t at = 0;

    for (size_t left = npages; left != 0;) {
        unsigned o = floor_log2(left);
        *state_of(r, block + (at << PAGE_SHIFT)) = (uint8_t)(STATE_USED | o);
        at += 1UL << o;
        left -= 1UL << o;
    }
    while (at < 1UL << order) {
        unsigned o = (unsigned)__builtin_ctzl(at);
        insert_free(r, block + (at << PAGE_SHIFT), o);
        at += 1UL << o;
    }
}

void *buddy_take(size_t npages)
{
    unsigned order = npages == 1 ? 0 : floor_log2(npages - 1) + 1;
    char *block = take(order);

    if (block != NULL && npages != 1UL << order) {
        trim(block, order, npages);
    }
    return block;
}

void buddy_give(void *block, size_t npages)
{
    struct range *r = range_of(block);
    char *at = block;

    while (npages != 0) {
        unsigned order = floor_log2(npages);
        give_back(r, at, order);
        at += PAGE_SIZE << order;
        npages -= 1UL << order;
    }
}

void buddy_shrink(void *block, size_t had, size_t npages)
{
    if (npages == had) {
        return;
    }
    /* The blocks of the leading bits that both numbers share stay; the next one of `had` is cut. */
    unsigned order = floor_log2(had ^ npages);
    size_t kept = had >> (order + 1) << (order + 1);
    char *cut = (char *)block + (kept << PAGE_SHIFT);

    if (had - kept != 1UL << order) {
        buddy_give(cut + (PAGE_SIZE << order), had - kept - (1UL << order));
    }
    if (npages != kept) {
        trim(cut, order, npages - kept);
    } else {
        give_back(range_of(cut), cut, order);
    }
}

void buddy_park(void *block, size_t npages)
{
    unsigned order = floor_log2(npages);

    change_state(range_of(block), block, STATE_USED | order, STATE_PARKED | order);
}

void buddy_unpark(void *block, size_t npages)
{
    unsigned order = floor_log2(npages);

    change_state(range_of(block), block, STATE_PARKED | order, STATE_USED | order);
}

/* Enter one range: its state bytes first, the rest cut into the largest aligned blocks. */
COLD static size_t add_range(char *start, size_t npages)
{
    size_t own = (npages + PAGE_SIZE - 1) >> PAGE_SHIFT;
    if (npages <= own) {
        return 0;
    }
    struct range *r = &ranges[nranges++];
    r->state = (uint8_t *)start;
    r->start = start + (own << PAGE_SHIFT);
    r->end = start + (npages << PAGE_SHIFT);
    for (char *at = r->start; at < r->end;) {
        unsigned order = floor_log2((size_t)(r->end - at) >> PAGE_SHIFT);
        unsigned aligned = (unsigned)__builtin_ctzl((uintptr_t)at >> PAGE_SHIFT);
        order = order < aligned ? order : aligned;
        order = order < PAGE_MAX_ORDER ? order : PAGE_MAX_ORDER;
        insert_free(r, at, order);
        at += PAGE_SIZE << order;
    }
    return npages - own;
}

COLD size_t buddy_init(const struct boot_info *info)
{
    size_t total = 0;

    for (unsigned i = 0; i <= PAGE_MAX_ORDER; i++) {
        list_init(&free_list[i]);
    }
    for (size_t i = 0; i < info->nram && i < BOOT_MAX_RAM; i++) {
        total += add_range(info->ram[i].start, info->ram[i].npages);
    }
    return total;
}
