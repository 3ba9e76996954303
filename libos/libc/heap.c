/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heap: size classes in slabs for small blocks, whole pages for the rest.
 *
 * In front of the slabs each CPU keeps a few free objects of each class (heap_fast.h). A free
 * object holds a link and a tag (its address mixed with a random key). The tag makes a double free
 * and a write after free show, for one comparison each.
 */
#include <pith/heap.h>

#include <pith/page.h>

#include "heap_fast.h"

const uint8_t heap_class_table[HEAP_SMALL_MAX / 16 + 1] = {
    [0 ... 1] = 1,
    [2] = 2, [3] = 3, [4] = 4,
    [5] = 5, [6] = 6, [7] = 7, [8] = 8,
    [9 ... 10] = 9, [11 ... 12] = 10, [13 ... 14] = 11, [15 ... 16] = 12,
    [17 ... 20] = 13, [21 ... 24] = 14, [25 ... 28] = 15, [29 ... 32] = 16,
    [33 ... 40] = 17, [41 ... 48] = 18, [49 ... 56] = 19, [57 ... 64] = 20,
    [65 ... 80] = 21, [81 ... 96] = 22, [97 ... 112] = 23, [113 ... 128] = 24,
    [129 ... 160] = 25, [161 ... 192] = 26, [193 ... 224] = 27,
};

/* The caches of the CPUs that have one, for heap_stats(). Each sets its own when it first fills it. */
static struct heap_cache *caches[PERCPU_MAX_CPUS];

static unsigned class_of(size_t size)
{
    return heap_class_table[(size + 15) >> 4];
}

void heap_bad_block(const void *p, const char *call)
{
    PANIC("heap: %s(%p), which is no block of the heap or was freed before", call, p);
}

void heap_bad_free(const void *p, bool twice)
{
    if (twice) {
        PANIC("heap: %p freed twice", p);
    }
    heap_bad_block(p, "free");
}

void heap_bad_object(const struct heap_object *object)
{
    PANIC("heap: %p was written to after it was freed", (const void *)object);
}

/* The map's entry of p; ends unless that is the start of a block that is in use. */
static size_t block_entry(const void *p, const char *call)
{
    size_t entry = heap_map_get(p);
    if (entry - 1 < HEAP_CLASSES) {
        if (!heap_is_object(p, entry)) {
            heap_bad_block(p, call);
        }
    } else if (entry < HEAP_MAP_LARGE || ((uintptr_t)p & (PAGE_SIZE - 1)) != 0) {
        heap_bad_block(p, call);
    }
    return entry;
}

/* This CPU's cache. Context: masked. */
static struct heap_cache *cache_here(void)
{
    return (struct heap_cache *)(void *)percpu_this()->heap;
}

/* Fill the class from the slabs, half full, and take one. Context: masked. */
static struct heap_object *refill(unsigned class)
{
    struct heap_cache *cache = cache_here();
    struct heap_object *list;
    unsigned max = heap_classes[class].cached_max;
    unsigned n = heap_slab_take(class, max / 2, &list);
    if (n == 0) {
        return NULL;
    }
    cache->of[class].first = list->next;
    cache->of[class].room = max - (n - 1);
    caches[percpu_this()->id] = cache;
    return list;
}

/* Give all but the first `keep` objects of the class back. Context: masked. */
static void flush(struct heap_cache *cache, unsigned class, unsigned keep)
{
    struct heap_object **end = &cache->of[class].first;
    unsigned kept = 0;
    while (kept < keep && *end != NULL) {
        end = &(*end)->next;
        kept++;
    }
    struct heap_object *list = *end;
    *end = NULL;
    cache->of[class].room = heap_classes[class].cached_max - kept;
    heap_slab_give(class, list);
}

/* A small block when neither the caches nor new slabs gave one. */
static void *small_alloc_again(unsigned class)
{
    /*
     * The page allocator doesn't call for help while interrupts are masked, as they are around
     * caches and slabs.
     */
    if ((irq_is_masked() ? heap_trim() : page_reclaim()) != 0) {
        struct heap_object *object;
        if (heap_slab_take(class, 1, &object) == 1) {
            return heap_untag(object);
        }
    }
    /* Pages are left, but no run of them that is long enough for a slab. */
    return heap_large_alloc(1, PAGE_SIZE);
}

void *heap_small_alloc_slow(size_t shelf, bool was)
{
    unsigned class = (unsigned)(shelf / HEAP_SHELF);
    struct heap_object *object = refill(class);
    void *p = object != NULL ? heap_untag(object) : NULL;
    irq_restore(was);
    return p != NULL ? p : small_alloc_again(class);
}

void heap_small_free_slow(struct heap_object *object, size_t shelf, bool was)
{
    unsigned class = (unsigned)(shelf / HEAP_SHELF);
    struct heap_cache *cache = cache_here();
    flush(cache, class, heap_classes[class].cached_max / 2);
    object->next = cache->of[class].first;
    cache->of[class].first = object;
    cache->of[class].room--;
    caches[percpu_this()->id] = cache;
    irq_restore(was);
}

void *heap_replay(void *p)
{
    platform_irq_replay();
    return p;
}

void heap_free_large(void *p, size_t entry)
{
    if (entry < HEAP_MAP_LARGE || ((uintptr_t)p & (PAGE_SIZE - 1)) != 0) {
        heap_bad_block(p, "free");
    }
    heap_large_free(p);
}

void *heap_alloc(size_t size)
{
    return heap_fast_alloc(size);
}

void heap_free(void *p)
{
    heap_fast_free(p);
}

void *heap_alloc_aligned(size_t align, size_t size)
{
    if (align <= 16) {
        return heap_fast_alloc(size);
    }
    /*
     * Objects lie at multiples of their size behind the header, so up to 64 a class can be found.
     */
    if (align <= HEAP_SLAB_HEADER && size <= HEAP_SMALL_MAX) {
        unsigned class = class_of(size);
        while (heap_classes[class].size % align != 0) {
            class++;
        }
        return heap_small_alloc(class * HEAP_SHELF, heap_small_alloc_slow);
    }
    size_t npages = (size >> PAGE_SHIFT) + (size == 0 || (size & (PAGE_SIZE - 1)) != 0);
    return heap_large_alloc(npages, align < PAGE_SIZE ? PAGE_SIZE : align);
}

size_t heap_usable(const void *p)
{
    if (p == NULL) {
        return 0;
    }
    /* Of an object the map alone tells it: whether p is its start, free() will say. */
    size_t entry = heap_map_get(p);
    if (__builtin_expect(entry - 1 < HEAP_CLASSES, 1)) {
        return heap_classes[entry].size;
    }
    block_entry(p, "malloc_usable_size");
    return heap_large_npages(p) * PAGE_SIZE;
}

/* Try to resize the block where it is; *have gets its size. */
static bool resize_in_place(void *p, size_t size, size_t *have)
{
    size_t entry = block_entry(p, "realloc");
    if (entry <= HEAP_CLASSES) {
        *have = heap_classes[entry].size;
        return size <= *have && class_of(size) == entry;
    }
    size_t npages = heap_large_npages(p);
    *have = npages * PAGE_SIZE;
    if (size > *have || size <= HEAP_SMALL_MAX) {
        return false;
    }
    size_t want = (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
    if (want < npages) {
        heap_large_shrink(p, want);
    }
    return true;
}

void *heap_resize(void *p, size_t size)
{
    size_t have;
    if (p == NULL) {
        return heap_fast_alloc(size);
    }
    if (resize_in_place(p, size, &have)) {
        return p;
    }
    void *to = heap_fast_alloc(size);
    if (to == NULL) {
        return size <= have ? p : NULL; /* a smaller size always fits where it is */
    }
    __builtin_memcpy(to, p, size < have ? size : have);
    heap_fast_free(p);
    return to;
}

size_t heap_trim(void)
{
    bool was = irq_save();
    for (unsigned i = 1; i <= HEAP_CLASSES; i++) {
        flush(cache_here(), i, 0);
    }
    irq_restore(was);
    return heap_slab_trim();
}

void heap_stats(struct heap_stats *out)
{
    size_t cached = 0;
    for (unsigned cpu = 0; cpu < PERCPU_MAX_CPUS; cpu++) {
        for (unsigned i = 1; i <= HEAP_CLASSES && caches[cpu] != NULL; i++) {
            if (caches[cpu]->of[i].first != NULL) {
                unsigned n = heap_classes[i].cached_max - caches[cpu]->of[i].room;
                cached += n * (size_t)heap_classes[i].size;
            }
        }
    }
    bool was = spin_lock(&heap_lock);
    out->pages = heap_pages;
    out->map_pages = heap_map_pages;
    out->small_bytes = heap_slab_bytes - cached;
    out->large_pages = heap_large_pages;
    spin_unlock(&heap_lock, was);
}
