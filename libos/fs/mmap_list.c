/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All mappings in an array by address; and the part of the address space where files' own pages are
 * shown, which is one slot of the uppermost page table (512 GiB) that nothing else is in.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <pith/heap.h>
#include <pith/page.h>

#include "mmap_list.h"

/*
 * Slots that a platform leaves free for image and memory to be put into at random: 256 to 271 are
 * Xen's, 510 and 511 are for devices. Memory is at most 64 GiB, so it touches two slots at most.
 */
#define SLOT_SHIFT 39u
#define SLOT_FIRST 272u
#define SLOT_LAST  509u
#define HIGH_HALF  0xffff000000000000ul

static struct mapping **list;
static size_t count, space;
static char *window; /* the slot; NULL: not chosen yet */

size_t list_count(void)
{
    return count;
}

struct mapping *list_at(size_t i)
{
    return list[i];
}

static char *end_of(const struct mapping *m)
{
    return m->start + m->npages * PAGE_SIZE;
}

/* The first mapping that ends above the address. */
static size_t place(const char *at)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (end_of(list[mid]) > at) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return low;
}

struct mapping *list_at_or_after(const char *at)
{
    size_t i = place(at);
    return i < count ? list[i] : NULL;
}

struct mapping *list_find(const char *at)
{
    struct mapping *m = list_at_or_after(at);
    return m != NULL && m->start <= at ? m : NULL;
}

int list_insert(struct mapping *m)
{
    if (count == space) {
        size_t more = space == 0 ? 16 : 2 * space;
        struct mapping **larger = heap_resize(list, more * sizeof(*list));
        if (larger == NULL) {
            return -ENOMEM;
        }
        list = larger;
        space = more;
    }
    size_t i = place(m->start);
    memmove(list + i + 1, list + i, (count - i) * sizeof(*list));
    list[i] = m;
    count++;
    return 0;
}

void list_remove_mapping(const struct mapping *m)
{
    size_t i = place(m->start);
    count--;
    memmove(list + i, list + i + 1, (count - i) * sizeof(*list));
}

static unsigned slot_of(const void *p)
{
    return (uintptr_t)p >> SLOT_SHIFT & 511;
}

/* A slot away from memory (where the page is) and from the image (where this code is). */
static char *choose_window(const void *page)
{
    unsigned memory = slot_of(page);
    unsigned image = slot_of((void *)&window);
    for (unsigned slot = SLOT_LAST; slot >= SLOT_FIRST; slot--) {
        bool near_memory = slot + 1 >= memory && slot <= memory + 1;
        bool near_image = slot + 1 >= image && slot <= image + 1;
        if (!near_memory && !near_image) {
            return (char *)(HIGH_HALF | (uintptr_t)slot << SLOT_SHIFT);
        }
    }
    return NULL;
}

char *list_gap(size_t npages)
{
    if (window == NULL) {
        void *probe = page_alloc(0); /* tells where memory is */
        if (probe == NULL) {
            return NULL;
        }
        window = choose_window(probe);
        page_free(probe, 0);
    }
    /* A page between mappings stays free, so that running over an end is found. */
    char *at = window, *end = window + (1ul << SLOT_SHIFT);
    for (size_t i = place(at); i < count && list[i]->start < end; i++) {
        if (list[i]->start > at && (size_t)(list[i]->start - at) / PAGE_SIZE > npages) {
            break;
        }
        at = end_of(list[i]) + PAGE_SIZE;
    }
    return at < end && npages < (size_t)(end - at) / PAGE_SIZE ? at : NULL;
}
