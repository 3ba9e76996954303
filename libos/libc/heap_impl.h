/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the heap share: slabs, the page map, size classes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pith/list.h>
#include <pith/platform.h>
#include <pith/spinlock.h>

#define HEAP_CLASSES 24u

/*
 * The map keeps one byte per page that the heap holds, so that a pointer alone tells what it belongs to:
 *
 *   0                 not ours, or inside a large block
 *   1..0x60           page of a slab: 1 + 4 * class + index of the page in the slab
 *   0x80..0xbf        first page of a large block of 1..63 pages, the count in bits 0..5
 *   0xc0..0xff        the same for a longer one: bits 0..5 of the count; its bits 6..29 follow in the
 *                     entries of pages 1..6 as 0x70 + 4 bits
 */
#define HEAP_MAP_LARGE 0x80u
#define HEAP_MAP_LONG  0x40u
#define HEAP_MAP_MORE  0x70u
#define HEAP_MAP_NMORE 6u

/* The first bytes of a slab; objects follow at HEAP_SLAB_HEADER. */
struct heap_slab {
    struct list node;   /* in its class's list while it has a free object, else by itself */
    void *free;         /* objects that came back, linked through their first word */
    uint16_t used;      /* objects handed out */
    uint16_t fresh;     /* objects never handed out yet begin at this index */
    uint16_t capacity;
    uint16_t class;
};

#define HEAP_SLAB_HEADER 64u

_Static_assert(sizeof(struct heap_slab) <= HEAP_SLAB_HEADER, "slab header");

/* Lock of all heap state, map included. Innermost: only the page allocator's is taken under it. */
extern struct spinlock heap_lock;

/* Pages of the heap, and of the map among them. Under heap_lock. */
extern size_t heap_pages;
extern size_t heap_map_pages;
extern size_t heap_large_pages;

/* ---- heap_map.c ---- */

/*
 * The byte of the page that p lies in; 0 for an address that the heap has never had.
 * Needs no lock for a block that is in use: its entry doesn't change.
 */
uint8_t heap_map_get(const void *p);

/* Make sure that [page, page + npages) has entries. False: no memory. Context: heap_lock held. */
bool heap_map_reserve(const void *page, size_t npages);

/* Set one reserved entry. Context: heap_lock held. */
void heap_map_set(const void *page, uint8_t value);

/* ---- heap_large.c ---- */

/* npages whole pages at a multiple of `align` (a power of two, at least a page), entered in the map. */
void *heap_large_alloc(size_t npages, size_t align);

/* How many pages the large block at p has; p must be its first page. */
size_t heap_large_npages(const void *p);

void heap_large_free(void *p);

/* Keep only the first npages of the block. */
void heap_large_shrink(void *p, size_t npages);
