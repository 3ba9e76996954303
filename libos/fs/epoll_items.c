/* SPDX-License-Identifier: BSD-2-Clause */
/* The items of an epoll set: epoll_ctl(). */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include <pith/heap.h>

#include "epoll.h"

#define FIRST_BUCKETS 16u

/* What EPOLLEXCLUSIVE may come with; Linux fs/eventpoll.c. */
#define EXCLUSIVE_ALLOWS \
    (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

static struct epoll_item **bucket(struct epoll *ep, int fd)
{
    return &ep->table[(unsigned)fd & (ep->nbuckets - 1)];
}

static struct epoll_item *find(struct epoll *ep, const struct file *f, int fd)
{
    struct epoll_item *item = ep->nbuckets != 0 ? *bucket(ep, fd) : NULL;
    while (item != NULL && (item->fd != fd || item->f != f)) {
        item = item->next;
    }
    return item;
}

/* As many buckets as items at least, so that chains stay short: descriptors are dense. */
static int make_room(struct epoll *ep)
{
    if (ep->nitems < ep->nbuckets) {
        return 0;
    }
    unsigned n = ep->nbuckets != 0 ? 2 * ep->nbuckets : FIRST_BUCKETS;
    struct epoll_item **old = ep->table;
    struct epoll_item **table = heap_alloc(n * sizeof(*table));
    if (table == NULL) {
        return -ENOMEM;
    }
    memset(table, 0, n * sizeof(*table));
    unsigned before = ep->nbuckets;
    ep->table = table;
    ep->nbuckets = n;
    for (unsigned i = 0; i < before; i++) {
        for (struct epoll_item *item = old[i], *next; item != NULL; item = next) {
            next = item->next;
            item->next = *bucket(ep, item->fd);
            *bucket(ep, item->fd) = item;
        }
    }
    heap_free(old);
    return 0;
}

/* Take an item out of everything and free it. Context: lock held. */
static void forget(struct epoll *ep, struct epoll_item *item)
{
    struct epoll_item **at = bucket(ep, item->fd);
    while (*at != item) {
        at = &(*at)->next;
    }
    *at = item->next;
    ep->nitems--;
    pollwatch_remove(&item->watch); /* no notification from here on */
    epoll_unnest(item);
    bool was = spin_lock(&ep->ready_lock);
    list_remove(&item->link);
    spin_unlock(&ep->ready_lock, was);
    heap_free(item);
}

void epoll_bury(struct epoll *ep)
{
    for (;;) {
        struct epoll_item *item = NULL;
        bool was = spin_lock(&ep->ready_lock);
        if (!list_empty(&ep->dead)) {
            item = LIST_ENTRY(ep->dead.next, struct epoll_item, link);
        }
        spin_unlock(&ep->ready_lock, was);
        if (item == NULL) {
            return;
        }
        forget(ep, item);
    }
}

/*
 * News of a file, or its last: then `q` is NULL. Context: any, the file's queue is locked.
 */
static void item_notify(struct pollwatch *w, int events)
{
    struct epoll_item *item = LIST_ENTRY(w, struct epoll_item, watch);
    struct epoll *ep = item->ep;
    if (w->q != NULL) {
        epoll_enqueue(item, events);
        return;
    }
    bool was = spin_lock(&ep->ready_lock);
    list_remove(&item->link);
    item->dead = true;
    list_insert(&ep->dead, &item->link);
    spin_unlock(&ep->ready_lock, was);
}

/* The file may be ready already. Context: lock held, and the caller has a reference to the file. */
static void first_look(struct epoll_item *item)
{
    int events = (int)(item->events & ~EPOLL_FLAGS);
    int now = item->f->ops->ready != NULL ? item->f->ops->ready(item->f, events) : events;
    if ((now & events) != 0) {
        epoll_enqueue(item, now & events);
    }
}

static int add(struct epoll *ep, int fd, struct file *f, const struct epoll_event *event)
{
    struct pollq *q = f->ops->pollq(f);
    int r = make_room(ep);
    if (r < 0 || q == NULL) {
        return r < 0 ? r : -EPERM;
    }
    struct epoll_item *item = heap_alloc(sizeof(*item));
    if (item == NULL) {
        return -ENOMEM;
    }
    *item = (struct epoll_item){ .watch = { .notify = item_notify }, .ep = ep, .f = f, .fd = fd,
                                 .events = event->events | EPOLLERR | EPOLLHUP,
                                 .data = event->data };
    list_init(&item->link);
    list_init(&item->watch.link);
    if (f->ops == &epoll_ops && (r = epoll_nest(item)) < 0) {
        heap_free(item);
        return r;
    }
    item->next = *bucket(ep, fd);
    *bucket(ep, fd) = item;
    ep->nitems++;
    pollwatch_add(&item->watch, q);
    first_look(item);
    return 0;
}

static int modify(struct epoll_item *item, const struct epoll_event *event)
{
    struct epoll *ep = item->ep;
    if ((event->events | item->events) & EPOLLEXCLUSIVE) {
        return -EINVAL;
    }
    bool was = spin_lock(&ep->ready_lock);
    item->events = event->events | EPOLLERR | EPOLLHUP;
    item->data = event->data;
    spin_unlock(&ep->ready_lock, was);
    first_look(item);
    return 0;
}

static int check(struct file *ep, int op, struct file *f, const struct epoll_event *event)
{
    if (op != EPOLL_CTL_DEL && event == NULL) {
        return -EFAULT;
    }
    if (f->ops->pollq == NULL) {
        return -EPERM;
    }
    if (ep->ops != &epoll_ops || f == ep) {
        return -EINVAL;
    }
    if (op == EPOLL_CTL_ADD && (event->events & EPOLLEXCLUSIVE) &&
        ((event->events & ~EXCLUSIVE_ALLOWS) != 0 || f->ops == &epoll_ops)) {
        return -EINVAL;
    }
    return 0;
}

int epoll_control(struct file *epfile, int op, int fd, struct file *f, struct epoll_event *event)
{
    int r = check(epfile, op, f, event);
    if (r < 0) {
        return r;
    }
    struct epoll *ep = epoll_of(epfile);
    libc_mutex_lock(&ep->lock);
    epoll_bury(ep);
    struct epoll_item *item = find(ep, f, fd);
    switch (op) {
    case EPOLL_CTL_ADD:
        r = item != NULL ? -EEXIST : add(ep, fd, f, event);
        break;
    case EPOLL_CTL_DEL:
        r = item != NULL ? 0 : -ENOENT;
        if (item != NULL) {
            forget(ep, item);
        }
        break;
    case EPOLL_CTL_MOD:
        r = item != NULL ? modify(item, event) : -ENOENT;
        break;
    default:
        r = -EINVAL;
    }
    pthread_mutex_unlock(&ep->lock);
    return r;
}

/* ---- the set as a file ---- */

static int epoll_ready(struct file *f, int events)
{
    int some = (events & (POLLIN | POLLRDNORM)) != 0 ? epoll_look(epoll_of(f), NULL, 1) : 0;
    return some > 0 ? events & (POLLIN | POLLRDNORM) : 0;
}

static struct pollq *epoll_pollq(struct file *f)
{
    return &epoll_of(f)->q;
}

static void epoll_close(struct file *f)
{
    struct epoll *ep = epoll_of(f);
    epoll_unnest_all(ep);
    pollq_close(&ep->q);
    for (unsigned i = 0; i < ep->nbuckets; i++) {
        while (ep->table[i] != NULL) {
            forget(ep, ep->table[i]);
        }
    }
    heap_free(ep->table);
    heap_free(ep);
}

const struct file_ops epoll_ops = {
    .fstat = anonfile_fstat,
    .ready = epoll_ready,
    .pollq = epoll_pollq,
    .close = epoll_close,
};
