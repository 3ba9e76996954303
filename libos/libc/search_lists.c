/* SPDX-License-Identifier: BSD-2-Clause */
/* What newlib's <search.h> lacks: linear search in tables, and doubly linked queues (POSIX). */
#include <search.h>
#include <string.h>

void *lfind(const void *key, const void *base, size_t *count, size_t width, int (*compare)(const void *, const void *))
{
    const char *at = base;
    for (size_t i = 0; i < *count; i++, at += width) {
        if (compare(key, at) == 0) {
            return (void *)(unsigned long)at;
        }
    }
    return NULL;
}

void *lsearch(const void *key, void *base, size_t *count, size_t width, int (*compare)(const void *, const void *))
{
    void *found = lfind(key, base, count, width, compare);
    return found != NULL ? found : memcpy((char *)base + (*count)++ * width, key, width);
}

/* What POSIX says of an element: it begins with these. */
struct element {
    struct element *next, *prev;
};

void insque(void *element, void *after)
{
    struct element *e = element, *p = after;
    e->prev = p;
    e->next = p != NULL ? p->next : NULL;
    if (p != NULL) {
        p->next = e;
    }
    if (e->next != NULL) {
        e->next->prev = e;
    }
}

void remque(void *element)
{
    struct element *e = element;
    if (e->next != NULL) {
        e->next->prev = e->prev;
    }
    if (e->prev != NULL) {
        e->prev->next = e->next;
    }
}
