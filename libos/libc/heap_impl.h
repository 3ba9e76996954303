/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the heap share: the page map, size classes, slabs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pith/list.h>
#include <pith/platform.h>
#include <pith/spinlock.h>

#define HEAP_CLASSES 27u

/* Lock of slabs, map and counters. Innermost: only the page allocator's is taken under it. */
extern struct spinlock heap_lock;

/* Pages of the heap, of the map among them, of large blocks. Under heap_lock. */
extern size_t heap_pages;
extern size_t heap_map_pages;
extern size_t heap_large_pages;

/* ---- heap_map.c ---- */

/*
 * The map keeps one byte per page that the heap holds, so that a pointer alone tells what it
 * belongs to:
 *
 *   0                 not ours, or inside a large block
 *   1..27             page of a slab of that class
 *   0x80..0x8f        in pages 1..6 of a block of 32 pages and more: 4 more bits of its count
 *   0xc0..0xdf        first page of a large block of 1..31 pages, the count in bits 0..4
 *   0xe0..0xff        the same for a longer one: bits 0..4 of the count, followed by bits 5..28
 *
 * It lies in leaves of one page, each for 16 MiB of address space, found through a table of leaves
 * that spans all addresses the heap has ever had. A small machine pays one page for it.
 */
#define HEAP_MAP_MORE  0x80u
#define HEAP_MAP_LARGE 0xc0u
#define HEAP_MAP_LONG  0x20u
#define HEAP_MAP_NMORE 6u

#define HEAP_LEAF_SHIFT (PAGE_SHIFT + 12)

struct heap_map {
    uintptr_t base; /* of the first leaf's addresses */
    size_t nleaves;
    uint8_t *leaf[]; /* NULL where the heap has never had a page */
};

/* Replaced as a whole when it has to span more, since readers take no lock. */
extern struct heap_map *heap_map;

/*
 * The place of the byte of the page that p lies in; NULL for an address that the heap has never
 * had.
 */
static inline uint8_t *heap_map_entry(const void *p)
{
    const struct heap_map *map = __atomic_load_n(&heap_map, __ATOMIC_ACQUIRE);
    uintptr_t i = ((uintptr_t)p - map->base) >> HEAP_LEAF_SHIFT;
    uint8_t *leaf;
    if (__builtin_expect(i >= map->nleaves || (leaf = map->leaf[i]) == NULL, 0)) {
        return NULL;
    }
    return &leaf[((uintptr_t)p >> PAGE_SHIFT) % PAGE_SIZE];
}

/*
 * The byte, 0 for an address that the heap has never had. Needs no lock for a block that is in use:
 * its entry doesn't change.
 */
static inline size_t heap_map_get(const void *p)
{
    const uint8_t *entry = heap_map_entry(p);
    return __builtin_expect(entry != NULL, 1) ? *entry : 0;
}

/* Make sure that [page, page + npages) has entries. False: no memory. Context: heap_lock held. */
bool heap_map_reserve(const void *page, size_t npages);

/* Set one reserved entry. Context: heap_lock held. */
static inline void heap_map_set(const void *page, unsigned value)
{
    *heap_map_entry(page) = (uint8_t)value;
}

/* ---- heap_slab.c ---- */

/*
 * 16-byte steps to 128, then four classes per doubling, of which the last one, 4096, is a page.
 *
 * `reciprocal` is 2^32 / size rounded up: then an offset below 2^16 is a multiple of size exactly
 * if offset * reciprocal mod 2^32 is below reciprocal (Lemire, Kaser, Kurz, "Faster remainder by
 * direct computation").
 */
struct heap_class {
    uint16_t size;
    uint16_t mask;       /* bytes of a slab - 1; slabs are aligned to their size */
    uint16_t cached_max; /* objects that a CPU keeps for itself */
    uint16_t order;      /* of a slab: 2^order pages */
    uint32_t reciprocal;
    uint32_t unused;
};

/*
 * From 1 on, like the entries of the map. Class 0, no class, has a mask of 0: nothing is in its
 * slabs.
 */
extern const struct heap_class heap_classes[1 + HEAP_CLASSES];

/* A free object: in a slab's list, or in a CPU's cache. */
struct heap_object {
    struct heap_object *next;
    uintptr_t tag; /* heap_tag() of its address: it is free, and nobody has written to it */
};

/* A random key, set before the first slab exists. */
extern uintptr_t heap_tag_key;

static inline uintptr_t heap_tag(const void *object)
{
    return (uintptr_t)object ^ heap_tag_key;
}

/* The first bytes of a slab; objects follow at HEAP_SLAB_HEADER. */
struct heap_slab {
    struct list node;         /* in its class's list while it has a free object, else by itself */
    struct heap_object *free; /* objects that came back */
    uint16_t used;            /* objects handed out */
    uint16_t fresh;           /* offset behind the header from which on none was handed out */
    uint16_t capacity;
    uint16_t class;
};

#define HEAP_SLAB_HEADER 64u

_Static_assert(sizeof(struct heap_slab) <= HEAP_SLAB_HEADER, "slab header");

/*
 * Take up to n objects of a class, as a list of tagged objects; *out gets the first. Returns how
 * many: fewer than n when the first slab of the class has no more, 0 when there is no memory.
 * Context: any.
 */
unsigned heap_slab_take(unsigned class, unsigned n, struct heap_object **out);

/* Give a list of tagged objects of one class back. Context: any. */
void heap_slab_give(unsigned class, struct heap_object *list);

/* Give empty slabs to the page allocator; returns how many pages. Context: any. */
size_t heap_slab_trim(void);

/* Bytes in objects that are handed out. Under heap_lock. */
extern size_t heap_slab_bytes;

/* ---- heap_large.c ---- */

/*
 * npages whole pages at a multiple of `align` (a power of two, at least a page), entered in the
 * map.
 */
void *heap_large_alloc(size_t npages, size_t align);

/* How many pages the large block at p has; p must be its first page. */
size_t heap_large_npages(const void *p);

void heap_large_free(void *p);

/* Keep only the first npages of the block. */
void heap_large_shrink(void *p, size_t npages);
