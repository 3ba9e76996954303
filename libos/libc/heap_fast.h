/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The short ways through the heap: taking a small object from this CPU's cache and putting one
 * back.
 *
 * Inline, for malloc() and free() as well as for heap_alloc() and heap_free(). Interrupts are
 * masked, so that neither another thread of this CPU nor a handler is in between; no lock, no
 * atomic instruction.
 */
#pragma once

#include <pith/heap.h>
#include <pith/irq.h>
#include <pith/panic.h>
#include <pith/percpu.h>

#include "heap_impl.h"

/* Touched by its own CPU only, with interrupts masked. */
struct heap_cache {
    struct {
        struct heap_object *first;
        unsigned room; /* how many more fit in; 0 in a class that was never used */
        unsigned unused;
    } of[1 + HEAP_CLASSES];
};

/* By CPU; NULL until it first allocates. */
extern struct heap_cache *heap_caches[PERCPU_MAX_CPUS];

/* The class of each size, by 16 bytes: index (size + 15) / 16. */
extern const uint8_t heap_class_table[HEAP_SMALL_MAX / 16 + 1];

static inline unsigned heap_class_of(size_t size)
{
    return heap_class_table[(size + 15) >> 4];
}

/* This CPU's cache. Context: masked. */
static inline struct heap_cache *heap_cache_get(void)
{
    unsigned long id;
    __asm__ volatile("movl %%gs:%c1, %k0" : "=r"(id) : "i"(PERCPU_ID));
    return heap_caches[id];
}

/* The cache has none of the class, or no room. Context: masked; they return in the state `was`. */
void *heap_small_alloc_slow(unsigned class, bool was);
void heap_small_free_slow(struct heap_object *object, unsigned class, bool was);

/* What free() calls for blocks of whole pages; p may be no block. */
void heap_free_large(void *p, unsigned entry);

/* The program's error; `call` names the function it called. */
_Noreturn void heap_bad_block(const void *p, const char *call);
_Noreturn void heap_bad_object(const struct heap_object *object, bool freed_twice);

/* Take the tag off an object that was free. */
static inline void *heap_untag(struct heap_object *object)
{
    if (__builtin_expect(object->tag != heap_tag(object), 0)) {
        heap_bad_object(object, false);
    }
    object->tag = 0;
    return object;
}

static inline void *heap_small_alloc(unsigned class)
{
    bool was = irq_save();
    struct heap_cache *cache = heap_cache_get();
    struct heap_object *object;
    if (__builtin_expect(cache == NULL || (object = cache->of[class].first) == NULL, 0)) {
        return heap_small_alloc_slow(class, was);
    }
    cache->of[class].first = object->next;
    cache->of[class].room++;
    void *p = heap_untag(object);
    irq_restore(was);
    return p;
}

/* End unless p is the start of an object of that class which has been handed out at some time. */
static inline void heap_check_object(const void *p, unsigned class, const char *call)
{
    const struct heap_class *c = &heap_classes[class];
    uint32_t inside = (uint32_t)(uintptr_t)p & c->mask;
    const struct heap_slab *slab = (const void *)((const char *)p - inside);
    uint32_t offset = inside - HEAP_SLAB_HEADER;
    if (__builtin_expect(offset >= slab->fresh || offset * c->reciprocal >= c->reciprocal, 0)) {
        heap_bad_block(p, call);
    }
}

static inline void heap_small_free(void *p, unsigned class)
{
    struct heap_object *object = p;
    heap_check_object(p, class, "free");
    if (__builtin_expect(object->tag == heap_tag(object), 0)) {
        heap_bad_object(object, true);
    }
    object->tag = heap_tag(object);
    bool was = irq_save();
    struct heap_cache *cache = heap_cache_get();
    if (__builtin_expect(cache == NULL || cache->of[class].room-- == 0, 0)) {
        heap_small_free_slow(object, class, was);
        return;
    }
    object->next = cache->of[class].first;
    cache->of[class].first = object;
    irq_restore(was);
}

static inline void *heap_fast_alloc(size_t size)
{
    if (__builtin_expect(size > HEAP_SMALL_MAX, 0)) {
        return heap_large_alloc((size >> PAGE_SHIFT) + ((size & (PAGE_SIZE - 1)) != 0), PAGE_SIZE);
    }
    return heap_small_alloc(heap_class_of(size));
}

static inline void heap_fast_free(void *p)
{
    if (__builtin_expect(p == NULL, 0)) {
        return;
    }
    unsigned entry = heap_map_get(p);
    if (__builtin_expect(entry - 1 >= HEAP_CLASSES, 0)) {
        heap_free_large(p, entry); /* or what is no block at all */
    } else {
        heap_small_free(p, entry);
    }
}
