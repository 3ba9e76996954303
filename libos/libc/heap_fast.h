/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The short ways through the heap: taking a small object from this CPU's cache and putting one
 * back.
 *
 * Inline, for malloc() and free() as well as for heap_alloc() and heap_free(). Interrupts are
 * masked, so that neither another thread of this CPU nor a handler is in between; no lock, no
 * atomic instruction. What is rare is called last, so that no short way needs a stack frame.
 */
#pragma once

#include <stddef.h>

#include <pith/heap.h>
#include <pith/irq.h>
#include <pith/panic.h>
#include <pith/percpu.h>

#include "heap_impl.h"

/* In struct percpu. Touched by its own CPU only, with interrupts masked. */
struct heap_cache {
    struct heap_shelf {
        struct heap_object *first;
        uint32_t room; /* how many more fit in; 0 in a class that was never used */
        uint32_t unused;
    } of[1 + HEAP_CLASSES];
};

_Static_assert(sizeof(struct heap_cache) <= sizeof(((struct percpu *)0)->heap), "percpu.heap");

/* Where a class has its shelf. */
#define HEAP_SHELF (sizeof(struct heap_shelf))

/* The class of each size, by 16 bytes: index (size + 15) / 16. */
extern const uint8_t heap_class_table[HEAP_SMALL_MAX / 16 + 1];

static inline size_t heap_shelf_of(size_t size)
{
    return heap_class_table[(size + 15) >> 4] * HEAP_SHELF;
}

/* The shelf is empty, or full. Context: masked; they return in the state `was`. */
void *heap_small_alloc_slow(size_t shelf, bool was);
void heap_small_free_slow(struct heap_object *object, size_t shelf, bool was);

/* What free() calls for blocks of whole pages; p may be no block. */
void heap_free_large(void *p, size_t entry);

/* Handle what arrived while the mask was closed; returns p. Context: mask open. */
void *heap_replay(void *p);

/* The program's error; `call` names the function it called. */
_Noreturn void heap_bad_block(const void *p, const char *call);
_Noreturn void heap_bad_object(const struct heap_object *object);

/* The same for what was given to free(). Doesn't return, which free() must not know: see above. */
void heap_bad_free(const void *p, bool twice);

/* Take the tag off an object that was free. */
static inline void *heap_untag(struct heap_object *object)
{
    if (__builtin_expect(object->tag != heap_tag(object), 0)) {
        heap_bad_object(object);
    }
    object->tag = 0;
    return object;
}

/* The first object of a shelf of this CPU. Context: masked. */
static inline struct heap_object *heap_shelf_first(size_t shelf)
{
    struct heap_object *object;
    __asm__ volatile("movq %%gs:%c1(%2), %0"
                     : "=r"(object) : "i"(PERCPU_HEAP), "r"(shelf) : "memory");
    return object;
}

/* The shelf's first object goes; `next` was behind it. Context: masked. */
static inline void heap_shelf_pop(size_t shelf, struct heap_object *next)
{
    __asm__ volatile("movq %0, %%gs:%c1(%3)\n\taddl $1, %%gs:%c2(%3)"
                     : : "r"(next), "i"(PERCPU_HEAP),
                         "i"(PERCPU_HEAP + offsetof(struct heap_shelf, room)), "r"(shelf)
                     : "memory", "cc");
}

/* Take room for one more; false: there is none, and `room` is wrong now. Context: masked. */
static inline bool heap_shelf_room(size_t shelf)
{
    bool none;
    __asm__ volatile("subl $1, %%gs:%c1(%2)"
                     : "=@ccc"(none)
                     : "i"(PERCPU_HEAP + offsetof(struct heap_shelf, room)), "r"(shelf)
                     : "memory");
    return !none;
}

/* Put an object in front; there was room. Context: masked. */
static inline void heap_shelf_push(size_t shelf, struct heap_object *object)
{
    object->next = heap_shelf_first(shelf);
    __asm__ volatile("movq %0, %%gs:%c1(%2)"
                     : : "r"(object), "i"(PERCPU_HEAP), "r"(shelf) : "memory");
}

/* `slow` is heap_small_alloc_slow(), or what a caller does around it. */
static inline void *heap_small_alloc(size_t shelf, void *(*slow)(size_t shelf, bool was))
{
    bool was = irq_save();
    struct heap_object *object = heap_shelf_first(shelf);
    if (__builtin_expect(object == NULL, 0)) {
        return slow(shelf, was);
    }
    heap_shelf_pop(shelf, object->next);
    void *p = heap_untag(object);
    return !was && __builtin_expect(irq_open(), 0) ? heap_replay(p) : p;
}

/* Whether p is the start of an object of that class which has been handed out at some time. */
static inline bool heap_is_object(const void *p, size_t class)
{
    const struct heap_class *c = &heap_classes[class];
    uintptr_t inside = (uintptr_t)p & c->mask;
    const struct heap_slab *slab = (const void *)((const char *)p - inside);
    uint32_t offset = (uint32_t)inside - HEAP_SLAB_HEADER;
    return offset < slab->fresh && offset * c->reciprocal < c->reciprocal;
}

static inline void heap_small_free(void *p, size_t class)
{
    struct heap_object *object = p;
    size_t shelf = class * HEAP_SHELF;
    if (__builtin_expect(!heap_is_object(p, class), 0)) {
        heap_bad_free(p, false);
        return;
    }
    if (__builtin_expect(object->tag == heap_tag(object), 0)) {
        heap_bad_free(p, true);
        return;
    }
    object->tag = heap_tag(object);
    bool was = irq_save();
    if (__builtin_expect(!heap_shelf_room(shelf), 0)) {
        heap_small_free_slow(object, shelf, was);
        return;
    }
    heap_shelf_push(shelf, object);
    irq_restore(was);
}

static inline void *heap_fast_alloc(size_t size)
{
    if (__builtin_expect(size > HEAP_SMALL_MAX, 0)) {
        return heap_large_alloc((size >> PAGE_SHIFT) + ((size & (PAGE_SIZE - 1)) != 0), PAGE_SIZE);
    }
    return heap_small_alloc(heap_shelf_of(size), heap_small_alloc_slow);
}

static inline void heap_fast_free(void *p)
{
    if (__builtin_expect(p == NULL, 0)) {
        return;
    }
    size_t entry = heap_map_get(p);
    if (__builtin_expect(entry - 1 >= HEAP_CLASSES, 0)) {
        heap_free_large(p, entry); /* or what is no block at all */
    } else {
        heap_small_free(p, entry);
    }
}
