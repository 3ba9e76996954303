/* SPDX-License-Identifier: BSD-2-Clause */
/* Doubly linked lists through a member of the element. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *next, *prev; /* of a list's head: first and last; NULL: on no list */
};

static inline void list_init(struct link *head)
{
    head->next = head->prev = head;
}

static inline bool list_empty(const struct link *head)
{
    return head->next == head;
}

static inline void list_remove(struct link *l)
{
    if (l->next != NULL) {
        l->next->prev = l->prev;
        l->prev->next = l->next;
        l->next = l->prev = NULL;
    }
}

/* Put it at the end; it may be on a list already. */
static inline void list_append(struct link *head, struct link *l)
{
    list_remove(l);
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}

#define LIST_ENTRY(l, type, member) ((type *)((char *)(l) - offsetof(type, member)))
