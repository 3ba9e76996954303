/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets in sets: no loops, and no chains over Linux's length, which bounds the recursion of
 * notifications and looks.
 */
#include <errno.h>

#include "epoll.h"

#define NESTS_MAX 5 /* sets in a chain, both ends counted: Linux EP_MAX_NESTS + 1 */

/* Guards the inner and outer lists of all sets. */
static pthread_mutex_t epoll_nesting = PTHREAD_MUTEX_INITIALIZER;

/*
 * How many sets the longest chain has that begins at ep and goes inwards, over NESTS_MAX for one
 * that meets `avoid` or is too long. The recursion ends there, too.
 */
static int depth_inwards(struct epoll *ep, const struct epoll *avoid, int so_far)
{
    int deepest = so_far;
    if (ep == avoid || so_far > NESTS_MAX) {
        return NESTS_MAX + 1;
    }
    for (struct list *at = ep->inner.next; at != &ep->inner; at = at->next) {
        struct epoll_item *item = LIST_ENTRY(at, struct epoll_item, inner);
        int depth = depth_inwards(epoll_of(item->f), avoid, so_far + 1);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest;
}

static int depth_outwards(struct epoll *ep, int so_far)
{
    int deepest = so_far;
    if (so_far > NESTS_MAX) {
        return so_far;
    }
    for (struct list *at = ep->outer.next; at != &ep->outer; at = at->next) {
        struct epoll_item *item = LIST_ENTRY(at, struct epoll_item, outer);
        int depth = depth_outwards(item->ep, so_far + 1);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest;
}

int epoll_nest(struct epoll_item *item)
{
    struct epoll *inner = epoll_of(item->f);
    int r = 0;
    libc_mutex_lock(&epoll_nesting);
    if (depth_inwards(inner, item->ep, 1) + depth_outwards(item->ep, 1) > NESTS_MAX) {
        r = -ELOOP;
    } else {
        list_insert(&item->ep->inner, &item->inner);
        list_insert(&inner->outer, &item->outer);
        item->nested = true;
    }
    pthread_mutex_unlock(&epoll_nesting);
    return r;
}

void epoll_unnest(struct epoll_item *item)
{
    libc_mutex_lock(&epoll_nesting);
    if (item->nested) {
        list_remove(&item->inner);
        list_remove(&item->outer);
        item->nested = false;
    }
    pthread_mutex_unlock(&epoll_nesting);
}

void epoll_unnest_all(struct epoll *ep)
{
    libc_mutex_lock(&epoll_nesting);
    while (!list_empty(&ep->outer)) {
        struct epoll_item *item = LIST_ENTRY(ep->outer.next, struct epoll_item, outer);
        list_remove(&item->inner);
        list_remove(&item->outer);
        item->nested = false;
    }
    pthread_mutex_unlock(&epoll_nesting);
}
