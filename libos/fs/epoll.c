/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll sets: who waits, and what they are given.
 *
 * A notification puts its item at the end of `ready`, which is all that it does. A look works that
 * list off in turn, asks each file what holds, and puts the items that report by level back at the
 * end: so its cost goes with the events there are, and no item starves another.
 */
#include "epoll.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include <pith/heap.h>

struct epoll_waiter {
    struct list link;
    struct io_waiter waiter;
};

/* Wake the thread that waits longest. Context: ready_lock held. */
static void wake_one(struct epoll *ep)
{
    if (!list_empty(&ep->waiters)) {
        struct epoll_waiter *w = LIST_ENTRY(ep->waiters.next, struct epoll_waiter, link);
        list_remove(&w->link);
        io_wake(&w->waiter);
    }
}

void epoll_enqueue(struct epoll_item *item, int events)
{
    struct epoll *ep = item->ep;
    bool was = spin_lock(&ep->ready_lock);
    int wanted = (int)(item->events & ~EPOLL_FLAGS);
    bool news = !item->dead && wanted != 0 && pollq_concerns(events, wanted);
    if (news && !item->queued) {
        item->queued = true;
        list_insert(&ep->ready, &item->link);
        wake_one(ep);
    }
    spin_unlock(&ep->ready_lock, was);
    if (news) {
        pollq_notify(&ep->q, POLLIN);
    }
}

/*
 * Ask the file of an item what holds. The item has been taken off its list, so that news from here
 * on queue it again. The file stays for the look's time, unless it is being closed: then nothing.
 * Its memory stays as long as the lock is held and the item isn't dead: pollq_close() tells the item.
 * Context: ready_lock held, maybe released meanwhile.
 */
static inline uint32_t ask(struct epoll *ep, struct epoll_item *item)
{
    uint32_t wanted = item->events & ~EPOLL_FLAGS;
    struct file *f = item->f;
    uint32_t now = wanted;
    if (f->ops->ready_reads) {
        return __atomic_load_n(&f->refs, __ATOMIC_RELAXED) != 0 && wanted != 0
                   ? (uint32_t)f->ops->ready(f, (int)wanted) & wanted : 0;
    }
    if (wanted == 0 || !file_ref_live(f)) {
        return 0;
    }
    spin_unlock(&ep->ready_lock, false);
    if (f->ops->ready != NULL) {
        now = (uint32_t)f->ops->ready(f, (int)wanted) & wanted;
    }
    file_unref(f);
    (void)spin_lock(&ep->ready_lock);
    return now;
}

/* Put an item back before `at`, unless news have done so. Context: ready_lock. */
static inline void requeue(struct list *at, struct epoll_item *item)
{
    if (!item->queued && !item->dead) {
        item->queued = true;
        list_insert(at, &item->link);
    }
}

/* Tell an item's events, and leave it as its flags say. Context: ready_lock held. */
static inline void tell(struct epoll *ep, struct epoll_item *item, uint32_t now, struct epoll_event *out)
{
    out->events = now;
    out->data = item->data;
    item->told = ep->look;
    if (item->events & EPOLLONESHOT) {
        item->events &= EPOLL_FLAGS;
    } else if (!(item->events & EPOLLET)) {
        requeue(&ep->ready, item);
    }
}

/*
 * A look that leaves w among the waiters when it finds nothing; NULL: nobody. It ends at the first item
 * that it has told of already: what has been put back is at the end, in the order of the looks.
 */
static int look(struct epoll *ep, struct epoll_event *out, int max, struct epoll_waiter *w)
{
    int found = 0;
    libc_mutex_lock(&ep->lock); /* no item is freed */
    if (!list_empty(&ep->dead)) { /* one that comes this moment is in no other list */
        epoll_bury(ep);
    }
    (void)spin_lock(&ep->ready_lock);
    ep->look++;
    while (found < max && !list_empty(&ep->ready)) {
        struct epoll_item *item = LIST_ENTRY(ep->ready.next, struct epoll_item, link);
        if (item->told == ep->look) {
            break;
        }
        list_remove(&item->link);
        item->queued = false;
        uint32_t now = ask(ep, item);
        if (now == 0) {
            continue;
        }
        found++;
        if (out != NULL) {
            tell(ep, item, now, &out[found - 1]);
        } else {
            requeue(ep->ready.next, item);
        }
    }
    if (list_empty(&ep->ready)) {
        if (found == 0 && w != NULL) {
            list_insert(&ep->waiters, &w->link);
        }
    } else if (out != NULL) {
        wake_one(ep); /* there may be something for another thread, too */
    }
    spin_unlock(&ep->ready_lock, false);
    pthread_mutex_unlock(&ep->lock);
    return found;
}

int epoll_look(struct epoll *ep, struct epoll_event *out, int max)
{
    return look(ep, out, max, NULL);
}

/* A wait has ended without news: by its deadline or a signal. */
static __attribute__((noinline)) void give_up(struct epoll *ep, struct epoll_waiter *w)
{
    (void)spin_lock(&ep->ready_lock);
    bool woken = list_empty(&w->link);
    list_remove(&w->link);
    if (woken && !list_empty(&ep->ready)) {
        wake_one(ep); /* the event that this one was woken for is another's now */
    }
    spin_unlock(&ep->ready_lock, false);
}

int epoll_take(struct file *epfile, struct epoll_event *events, int max, uint64_t deadline_ns)
{
    if (epfile->ops != &epoll_ops || max < 1) {
        return -EINVAL;
    }
    struct epoll *ep = epoll_of(epfile);
    if (deadline_ns == 0) {
        int n = look(ep, events, max, NULL);
        if (n == 0) {
            io_poll();
            n = look(ep, events, max, NULL);
        }
        return n;
    }
    struct epoll_waiter w;
    io_waiter_init(&w.waiter);
    list_init(&w.link);
    for (;;) {
        int n = look(ep, events, max, &w);
        if (n != 0) {
            return n;
        }
        if (list_empty(&w.link)) {
            continue; /* something has come during the look */
        }
        int r = io_wait(&w.waiter, deadline_ns);
        if (r < 0) {
            give_up(ep, &w);
            return r == -ETIMEDOUT ? look(ep, events, max, NULL) : r;
        }
    }
}

int epoll_new(struct file **out)
{
    struct epoll *ep = heap_alloc(sizeof(*ep));
    if (ep == NULL) {
        return -ENOMEM;
    }
    *ep = (struct epoll){ .lock = PTHREAD_MUTEX_INITIALIZER };
    list_init(&ep->ready);
    list_init(&ep->dead);
    list_init(&ep->waiters);
    list_init(&ep->inner);
    list_init(&ep->outer);
    pollq_init(&ep->q);
    file_init(&ep->file, &epoll_ops, O_RDWR, ep);
    *out = &ep->file;
    return 0;
}
