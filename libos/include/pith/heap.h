/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heap: size classes in slabs for up to 3.5 KiB, whole pages above, all from the page allocator.
 *
 * <stdlib.h> has the usual names for it; here is what those don't offer. Memory is given out under
 * its home address. A wrong free() is the program's bug and ends the machine with a report.
 */
#pragma once

#include <stddef.h>

#define HEAP_SMALL_MAX 3584u /* largest size that comes out of a slab */

/* At least `size` bytes, aligned to 16; NULL when there is no memory. Context: any. */
void *heap_alloc(size_t size);

/* The same at a multiple of `align`, a power of two. Context: any. */
void *heap_alloc_aligned(size_t align, size_t size);

/* Give it back; NULL is allowed. Context: any. */
void heap_free(void *p);

/*
 * Change the size, in place where the block allows it. NULL when there is no memory: the old block
 * is then untouched. p may be NULL; size 0 gives the smallest block. Context: any.
 */
void *heap_resize(void *p, size_t size);

/* How many bytes may be used at p. Context: any. */
size_t heap_usable(const void *p);

/*
 * Hand the slabs that hold nothing back to the page allocator; returns how many pages. Context:
 * any.
 */
size_t heap_trim(void);

struct heap_stats {
    size_t pages;       /* taken from the page allocator, bookkeeping included */
    size_t map_pages;   /* of these, bookkeeping: they stay */
    size_t small_bytes; /* in use in slabs, counted by size class */
    size_t large_pages; /* in use by blocks above HEAP_SMALL_MAX */
};

void heap_stats(struct heap_stats *out);
