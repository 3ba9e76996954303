/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heap: size classes in slabs for small blocks, whole pages for the rest.
 *
 * A slab is 1, 2 or 4 pages of objects of one class. Each class has a list of slabs with a free object; the
 * first one serves. A slab whose last object comes back goes to the page allocator, unless it
 * is the only one of its list: so a malloc/free pair does not move pages to and fro.
 *
 * A free object holds a link and a tag (its address mixed with a random key). The tag makes a double
 * free and a write after free show, for one comparison each.
 */
#include "heap_impl.h"

#include <pith/heap.h>
#include <pith/page.h>
#include <pith/panic.h>
#include <pith/random.h>

struct free_object {
    struct free_object *next;
    uintptr_t tag;
};

/*
 * 16-byte steps to 128, then four classes per doubling. `reciprocal` is 2^32 / size rounded up: exact
 * for the offsets within a slab, as the unit test checks.
 */
struct heap_class {
    uint16_t size;
    uint16_t order;
    uint32_t reciprocal;
};

#define CLASS(size, order) { size, order, (uint32_t)((0x100000000u + (size) - 1) / (size)) }
static const struct heap_class classes[HEAP_CLASSES] = {
    CLASS(16UL, 0),   CLASS(32UL, 0),   CLASS(48UL, 0),   CLASS(64UL, 0),
    CLASS(80UL, 0),   CLASS(96UL, 0),   CLASS(112UL, 0),  CLASS(128UL, 0),
    CLASS(160UL, 0),  CLASS(192UL, 0),  CLASS(224UL, 0),  CLASS(256UL, 0),
    CLASS(320UL, 0),  CLASS(384UL, 0),  CLASS(448UL, 0),  CLASS(512UL, 0),
    CLASS(640UL, 1),  CLASS(768UL, 1),  CLASS(896UL, 1),  CLASS(1024UL, 1),
    CLASS(1280UL, 2), CLASS(1536UL, 2), CLASS(1792UL, 2), CLASS(2048UL, 2),
};

struct spinlock heap_lock = SPINLOCK_INIT;
size_t heap_pages;
size_t heap_map_pages;

static size_t small_bytes;               /* under heap_lock */
static uintptr_t tag_key;                /* set before the first slab exists, then constant */
static struct list partial[HEAP_CLASSES]; /* under heap_lock; next is NULL until the first use */

static inline unsigned class_of(size_t size)
{
    if (size <= 128) {
        return size == 0 ? 0 : (unsigned)(size - 1) >> 4;
    }
    unsigned top = 63 - (unsigned)__builtin_clzl(size - 1); /* 7: 129..256, 8: 257..512, ... */
    return 8 + (top - 7) * 4 + (unsigned)((size - 1) >> (top - 2) & 3);
}

static inline size_t pages_of(size_t size)
{
    return (size >> PAGE_SHIFT) + ((size & (PAGE_SIZE - 1)) != 0);
}

static inline uintptr_t tag_of(const void *object)
{
    return (uintptr_t)object ^ tag_key;
}

/* Build a slab and make it the first of its class. Context: heap_lock held. */
static struct heap_slab *slab_create(unsigned class)
{
    if (tag_key == 0) {
        tag_key = random_u64() | 1;
        for (unsigned i = 0; i < HEAP_CLASSES; i++) {
            list_init(&partial[i]);
        }
        page_add_reclaim(heap_trim);
    }
    const struct heap_class *c = &classes[class];
    size_t npages = (size_t)1 << c->order;
    char *block = page_alloc(c->order);
    if (block == NULL) {
        return NULL;
    }
    if (!heap_map_reserve(block, npages)) {
        page_free(block, c->order);
        return NULL;
    }
    for (size_t i = 0; i < npages; i++) {
        heap_map_set(block + i * PAGE_SIZE, (uint8_t)(1 + 4 * class + i));
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

/* Give an empty slab back. Context: heap_lock held. Returns its pages. */
static size_t slab_destroy(struct heap_slab *slab)
{
    unsigned order = classes[slab->class].order;
    size_t npages = (size_t)1 << order;
    list_remove(&slab->node);
    for (size_t i = 0; i < npages; i++) {
        heap_map_set((char *)slab + i * PAGE_SIZE, 0);
    }
    heap_pages -= npages;
    page_free(slab, order);
    return npages;
}

static void *small_alloc(unsigned class)
{
    bool was = spin_lock(&heap_lock);
    struct list *list = &partial[class];
    struct heap_slab *slab;
    if (__builtin_expect(list->next == list || list->next == NULL, 0)) {
        slab = slab_create(class);
        if (slab == NULL) {
            spin_unlock(&heap_lock, was);
            return NULL;
        }
    } else {
        slab = LIST_ENTRY(list->next, struct heap_slab, node);
    }
    struct free_object *object = slab->free;
    size_t size = classes[class].size;
    if (object != NULL) {
        if (__builtin_expect(object->tag != tag_of(object), 0)) {
            PANIC("heap: %p was written to after it was freed", (void *)object);
        }
        slab->free = object->next;
    } else {
        object = (void *)((char *)slab + HEAP_SLAB_HEADER + slab->fresh * size);
        slab->fresh++;
    }
    object->tag = 0; /* also of a fresh one: an earlier slab in this place may have left it */
    small_bytes += size;
    if (++slab->used == slab->capacity) {
        list_remove(&slab->node);
    }
    spin_unlock(&heap_lock, was);
    return object;
}

/* The slab of p, whose map entry is `entry`. */
static inline struct heap_slab *slab_of(const void *p, unsigned entry)
{
    uintptr_t page = (uintptr_t)p & ~(PAGE_SIZE - 1);
    return (struct heap_slab *)(page - ((entry - 1) & 3) * PAGE_SIZE);
}

/* True when p is where an object of the slab begins. */
static inline bool is_object(const struct heap_slab *slab, const void *p, const struct heap_class *c)
{
    uint32_t offset = (uint32_t)((uintptr_t)p - (uintptr_t)slab) - HEAP_SLAB_HEADER;
    uint32_t index = (uint32_t)(((uint64_t)offset * c->reciprocal) >> 32);
    return index * c->size == offset && index < slab->fresh;
}

/* Panic unless p is the start of a block; `what` names the call. Returns the map entry. */
static inline unsigned block_entry(const void *p, const char *what)
{
    unsigned entry = heap_map_get(p);
    bool good;
    if (__builtin_expect(entry - 1 < 4 * HEAP_CLASSES, 1)) {
        good = is_object(slab_of(p, entry), p, &classes[(entry - 1) >> 2]);
    } else {
        good = entry >= HEAP_MAP_LARGE && ((uintptr_t)p & (PAGE_SIZE - 1)) == 0;
    }
    if (__builtin_expect(!good, 0)) {
        PANIC("heap: %s(%p), which is no block of the heap or was freed before", what, p);
    }
    return entry;
}

static void small_free(void *p, unsigned entry)
{
    struct heap_slab *slab = slab_of(p, entry);
    unsigned class = (entry - 1) >> 2;
    struct free_object *object = p;
    bool was = spin_lock(&heap_lock);
    if (__builtin_expect(object->tag == tag_of(object), 0)) {
        PANIC("heap: %p freed twice", p);
    }
    object->next = slab->free;
    object->tag = tag_of(object);
    slab->free = object;
    small_bytes -= classes[class].size;
    struct list *list = &partial[class];
    unsigned used = slab->used--;
    if (__builtin_expect(used == slab->capacity, 0)) {
        list_insert(list->next, &slab->node);
    }
    if (__builtin_expect(used == 1, 0) && list->next != list->prev) {
        slab_destroy(slab);
    }
    spin_unlock(&heap_lock, was);
}

/* A small block when the first attempt found no memory. */
static __attribute__((noinline)) void *small_alloc_again(unsigned class)
{
    void *p = NULL;
    /* The page allocator doesn't call for help under our lock. With interrupts off, only our own reserve is in reach. */
    if ((irq_is_masked() ? heap_trim() : page_reclaim()) != 0) {
        p = small_alloc(class);
    }
    /* Pages are left, but no run of them that is long enough for a slab. */
    return p != NULL ? p : heap_large_alloc(1, PAGE_SIZE);
}

void *heap_alloc(size_t size)
{
    if (__builtin_expect(size > HEAP_SMALL_MAX, 0)) {
        return heap_large_alloc(pages_of(size), PAGE_SIZE);
    }
    unsigned class = class_of(size);
    void *p = small_alloc(class);
    return __builtin_expect(p != NULL, 1) ? p : small_alloc_again(class);
}

void *heap_alloc_aligned(size_t align, size_t size)
{
    if (align <= 16) {
        return heap_alloc(size);
    }
    /* Objects lie at multiples of their size behind the header, so up to 64 a class can be found. */
    if (align <= HEAP_SLAB_HEADER && size <= HEAP_SMALL_MAX) {
        unsigned class = class_of(size);
        while (classes[class].size % align != 0) {
            class++;
        }
        void *p = small_alloc(class);
        return p != NULL ? p : small_alloc_again(class);
    }
    return heap_large_alloc(size == 0 ? 1 : pages_of(size), align < PAGE_SIZE ? PAGE_SIZE : align);
}

void heap_free(void *p)
{
    if (__builtin_expect(p == NULL, 0)) {
        return;
    }
    unsigned entry = block_entry(p, "free");
    if (__builtin_expect(entry < HEAP_MAP_LARGE, 1)) {
        small_free(p, entry);
    } else {
        heap_large_free(p);
    }
}

size_t heap_usable(const void *p)
{
    if (p == NULL) {
        return 0;
    }
    unsigned entry = block_entry(p, "malloc_usable_size");
    if (entry < HEAP_MAP_LARGE) {
        return classes[(entry - 1) >> 2].size;
    }
    return heap_large_npages(p) * PAGE_SIZE;
}

void *heap_resize(void *p, size_t size)
{
    if (p == NULL) {
        return heap_alloc(size);
    }
    unsigned entry = block_entry(p, "realloc");
    size_t have;
    if (entry < HEAP_MAP_LARGE) {
        have = classes[(entry - 1) >> 2].size;
        if (size <= have && (size > HEAP_SMALL_MAX || class_of(size) == (entry - 1) >> 2)) {
            return p;
        }
    } else {
        size_t npages = heap_large_npages(p);
        have = npages * PAGE_SIZE;
        if (size <= have && size > HEAP_SMALL_MAX) {
            if (pages_of(size) < npages) {
                heap_large_shrink(p, pages_of(size));
            }
            return p;
        }
    }
    void *to = heap_alloc(size);
    if (to == NULL) {
        /* A smaller size always fits where it is. */
        return size <= have ? p : NULL;
    }
    __builtin_memcpy(to, p, size < have ? size : have);
    heap_free(p);
    return to;
}

size_t heap_trim(void)
{
    size_t npages = 0;
    bool was = spin_lock(&heap_lock);
    for (unsigned i = 0; i < HEAP_CLASSES && tag_key != 0; i++) {
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

void heap_stats(struct heap_stats *out)
{
    bool was = spin_lock(&heap_lock);
    out->pages = heap_pages;
    out->map_pages = heap_map_pages;
    out->small_bytes = small_bytes;
    out->large_pages = heap_large_pages;
    spin_unlock(&heap_lock, was);
}
