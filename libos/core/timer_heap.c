/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986). `child` is a node's first child,
 * `next` its right sibling, `prev` its left sibling or, for a first child, its parent. Pure code.
 */
#include "timer_heap.h"

#include <stddef.h>

/* Join two heaps: the later root becomes the earlier one's first child. */
static struct timer *meld(struct timer *a, struct timer *b)
{
    if (b->deadline_ns < a->deadline_ns) {
        struct timer *swap = a;
        a = b;
        b = swap;
    }
    b->prev = a;
    b->next = a->child;
    if (b->next != NULL) {
        b->next->prev = b;
    }
    a->child = b;
    a->next = NULL;
    a->prev = NULL;
    return a;
}

/* Make one heap of a list of siblings: in pairs from the left, then together from the right. */
static struct timer *merge_siblings(struct timer *first)
{
    struct timer *pairs = NULL; /* linked by next, last pair first */

    while (first != NULL) {
        struct timer *a = first;
        struct timer *b = a->next;
        first = b != NULL ? b->next : NULL;
        if (b != NULL) {
            a = meld(a, b);
        }
        a->next = pairs;
        pairs = a;
    }
    if (pairs == NULL) {
        return NULL;
    }
    struct timer *root = pairs;
    pairs = root->next;
    while (pairs != NULL) {
        struct timer *rest = pairs->next;
        root = meld(root, pairs);
        pairs = rest;
    }
    root->next = NULL;
    root->prev = NULL;
    return root;
}

struct timer *timer_heap_insert(struct timer *root, struct timer *t)
{
    t->child = NULL;
    t->next = NULL;
    t->prev = NULL;
    return root == NULL ? t : meld(root, t);
}

struct timer *timer_heap_remove(struct timer *root, struct timer *t)
{
    struct timer *orphans = merge_siblings(t->child);

    if (t == root) {
        return orphans;
    }
    if (t->prev->child == t) {
        t->prev->child = t->next;
    } else {
        t->prev->next = t->next;
    }
    if (t->next != NULL) {
        t->next->prev = t->prev;
    }
    return orphans == NULL ? root : meld(root, orphans);
}
