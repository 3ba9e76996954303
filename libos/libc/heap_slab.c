/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slabs: 1, 2 or 4 pages of objects of one class.
 *
 * Each class has a list of slabs with a free object; the first one serves. A slab whose last object
 * comes back goes to the page allocator, unless it is the only one of its list: so pages don't move
 * to and fro.
 */
#include "heap_impl.h"

#include <pith/heap.h>
#include <pith/page.h>
#include <pith/panic.h>
#include <pith/random.h>

#define CLASS(size, order, cached) \
    { size, (PAGE_SIZE << (order)) - 1, cached, order, \
      (uint32_t)((0x100000000u + (size) - 1) / (size)), 0 }
const struct heap_class heap_classes[1 + HEAP_CLASSES] = {
    { 0 },
    CLASS(16UL, 0, 32),  CLASS(32UL, 0, 32),  CLASS(48UL, 0, 32),  CLASS(64UL, 0, 32),
    CLASS(80UL, 0, 32),  CLASS(96UL, 0, 32),  CLASS(112UL, 0, 32), CLASS(128UL, 0, 24),
    CLASS(160UL, 0, 20), CLASS(192UL, 0, 16), CLASS(224UL, 0, 16), CLASS(256UL, 0, 12),
    CLASS(320UL, 0, 10), CLASS(384UL, 0, 8),  CLASS(448UL, 0, 8),  CLASS(512UL, 0, 6),
    CLASS(640UL, 1, 6),  CLASS(768UL, 1, 4),  CLASS(896UL, 1, 4),  CLASS(1024UL, 1, 4),
    CLASS(1280UL, 2, 4), CLASS(1536UL, 2, 4), CLASS(1792UL, 2, 4), CLASS(2048UL, 2, 4),
    CLASS(2560UL, 2, 4), CLASS(3072UL, 2, 4), CLASS(3584UL, 2, 4),
};

struct spinlock heap_lock = SPINLOCK_INIT;
size_t heap_slab_bytes;
uintptr_t heap_tag_key;

static struct list partial[1 + HEAP_CLASSES]; /* under heap_lock; valid once heap_tag_key is set */

/* Before the first slab. Context: heap_lock held. */
static void start(void)
{
    heap_tag_key = random_u64() | 1;
    for (unsigned i = 1; i <= HEAP_CLASSES; i++) {
        list_init(&partial[i]);
    }
    page_add_reclaim(heap_trim);
}

/* Build a slab and make it the first of its class. Context: heap_lock held. */
static struct heap_slab *slab_create(unsigned class)
{
    const struct heap_class *c = &heap_classes[class];
    size_t npages = (size_t)1 << c->order;
    char *block = page_alloc(c->order);
    if (block == NULL) {
        return NULL;
    }
    if (!heap_map_reserve(block, npages)) {
        page_free(block, c->order);
        return NULL;
    }
    for (unsigned i = 0; i < npages; i++) {
        heap_map_set(block + i * PAGE_SIZE, class);
    }
    heap_pages += npages;
    struct heap_slab *slab = (struct heap_slab *)(void *)block;
    slab->free = NULL;
    slab->used = 0;
    slab->fresh = 0;
    slab->capacity = (uint16_t)((npages * PAGE_SIZE - HEAP_SLAB_HEADER) / c->size);
    slab->class = (uint16_t)class;
    list_insert(partial[class].next, &slab->node);
    return slab;
}

/* Give an empty slab back; returns its pages. Context: heap_lock held. */
static size_t slab_destroy(struct heap_slab *slab)
{
    unsigned order = heap_classes[slab->class].order;
    size_t npages = (size_t)1 << order;
    list_remove(&slab->node);
    for (size_t i = 0; i < npages; i++) {
        heap_map_set((char *)slab + i * PAGE_SIZE, 0);
    }
    heap_pages -= npages;
    page_free(slab, order);
    return npages;
}

unsigned heap_slab_take(unsigned class, unsigned n, struct heap_object **out)
{
    unsigned taken = 0;
    size_t size = heap_classes[class].size;
    bool was = spin_lock(&heap_lock);
    if (heap_tag_key == 0) {
        start();
    }
    struct list *list = &partial[class];
    struct heap_slab *slab = list_empty(list) ? slab_create(class)
                                              : LIST_ENTRY(list->next, struct heap_slab, node);
    struct heap_object *first = NULL;
    while (slab != NULL && taken < n && slab->used < slab->capacity) {
        struct heap_object *object = slab->free;
        if (object != NULL) {
            if (object->tag != heap_tag(object)) {
                PANIC("heap: %p was written to after it was freed", (void *)object);
            }
            slab->free = object->next;
        } else {
            object = (void *)((char *)slab + HEAP_SLAB_HEADER + slab->fresh);
            object->tag = heap_tag(object);
            slab->fresh = (uint16_t)(slab->fresh + size);
        }
        object->next = first;
        first = object;
        slab->used++;
        taken++;
    }
    if (slab != NULL && slab->used == slab->capacity) {
        list_remove(&slab->node);
    }
    heap_slab_bytes += taken * size;
    spin_unlock(&heap_lock, was);
    *out = first;
    return taken;
}

void heap_slab_give(unsigned class, struct heap_object *object)
{
    struct list *list = &partial[class];
    bool was = spin_lock(&heap_lock);
    while (object != NULL) {
        struct heap_object *next = object->next;
        uintptr_t start = (uintptr_t)object & ~(uintptr_t)heap_classes[class].mask;
        struct heap_slab *slab = (struct heap_slab *)start;
        object->next = slab->free;
        slab->free = object;
        heap_slab_bytes -= heap_classes[class].size;
        if (slab->used == slab->capacity) {
            list_insert(list->next, &slab->node);
        }
        if (--slab->used == 0 && list->next != list->prev) {
            slab_destroy(slab);
        }
        object = next;
    }
    spin_unlock(&heap_lock, was);
}

size_t heap_slab_trim(void)
{
    size_t npages = 0;
    bool was = spin_lock(&heap_lock);
    for (unsigned i = 1; i <= HEAP_CLASSES && heap_tag_key != 0; i++) {
        struct list *next;
        for (struct list *l = partial[i].next; l != &partial[i]; l = next) {
            next = l->next;
            struct heap_slab *slab = LIST_ENTRY(l, struct heap_slab, node);
            if (slab->used == 0) {
                npages += slab_destroy(slab);
            }
        }
    }
    spin_unlock(&heap_lock, was);
    return npages;
}
