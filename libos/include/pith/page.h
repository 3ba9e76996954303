/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page allocator: blocks of 2^order pages, found and merged by the buddy method.
 *
 * A block is named by the address it was handed out under (its home address) and aligned to its
 * size.
 * Context of all calls: any; they never sleep.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <pith/boot.h>
#include <pith/platform.h>

#define PAGE_MAX_ORDER 24 /* 64 GiB, the largest machine */

/* Give the ranges of `info` to the allocator; called once, before any other call. */
void page_init(const struct boot_info *info);

/* 2^order pages, contents undefined; NULL when there is none. */
void *page_alloc(unsigned order);

/* The same for any number of pages (the tail of the block goes back); free with page_free_n(). */
void *page_alloc_n(size_t npages);

/* Give a block back, in the size it was taken in. Freeing twice or in another size is a PANIC. */
void page_free(void *block, unsigned order);
void page_free_n(void *block, size_t npages);

/* Keep the first npages of a block of `had` pages from page_alloc_n(); 0 < npages <= had. */
void page_shrink(void *block, size_t had, size_t npages);

struct page_stats {
    size_t total; /* pages given by page_init(), without the allocator's own */
    size_t free;
    size_t low;   /* the fewest that were ever free */
};

void page_stats(struct page_stats *out);

/*
 * Have `reclaim` called when nothing is left: it gives cached memory back and returns how many
 * pages. At most PAGE_MAX_RECLAIM of them, for ever. Context of reclaim: thread, unmasked.
 */
#define PAGE_MAX_RECLAIM 4
void page_add_reclaim(size_t (*reclaim)(void));

/*
 * Call them all; returns how many pages came back. page_alloc() does so by itself where it is
 * called unmasked; who allocates under a spin lock calls this after releasing it, and tries again.
 * Context: thread, unmasked.
 */
size_t page_reclaim(void);
