/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of epoll share: the set and its items. */
#pragma once

#include <pthread.h>
#include <sys/epoll.h>

#include <pith/anonfile.h>
#include <pith/iowait.h>
#include <pith/libc.h>
#include <pith/list.h>
#include <pith/pollq.h>
#include <pith/spinlock.h>

/*
 * A set. Order of locks: `lock` of an outer set, then of an inner one (sets don't watch themselves,
 * over whatever corners), then epoll_nesting; the spin lock `ready_lock` comes after a poll queue's
 * lock and before those of iowait.c and of this set's own queue.
 */
struct epoll {
    struct file file;
    pthread_mutex_t lock;       /* guards the items and their table; held during a look */
    struct epoll_item **table;  /* by descriptor; nbuckets is 0 or a power of two */
    unsigned nbuckets, nitems;

    unsigned look;              /* number of the look under way; changes under both locks */
    struct spinlock ready_lock; /* guards what follows, and the items' fields as said there */
    struct list ready;          /* items that may have events, in turn */
    struct list dead;           /* items whose file has been closed */
    struct list waiters;        /* threads that no event has woken yet, oldest first */
    struct pollq q;             /* outer sets, poll(), select() */

    struct list inner;          /* items of this set that are sets; under epoll_nesting */
    struct list outer;          /* items of other sets that are this one; likewise */
};

/* A file in a set. It holds no reference: pollq_close() tells when the file goes. */
struct epoll_item {
    struct pollwatch watch;
    struct epoll *ep;
    struct file *f;             /* valid while !dead */
    int fd;
    struct epoll_item *next;    /* in its bucket */
    struct list link;           /* in ready or dead; ready_lock */
    bool queued, dead;          /* ready_lock */
    unsigned told;              /* the look that has told of it last; ready_lock */
    bool nested;                /* f is a set; inner and outer are linked */
    uint32_t events;            /* EPOLLIN ...; ready_lock; only EPOLL_FLAGS left: disabled */
    epoll_data_t data;          /* ready_lock */
    struct list inner, outer;   /* epoll_nesting */
};

/* What isn't an event but says how to tell them. */
#define EPOLL_FLAGS (EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE)

extern const struct file_ops epoll_ops;

static inline struct epoll *epoll_of(struct file *f)
{
    return f->data;
}

/*
 * Note that an item may have events, if it is asked for these, and wake who waits. Context: any.
 */
void epoll_enqueue(struct epoll_item *item, int events);

/*
 * Collect up to max events; 0 when there are none. With out NULL only say whether there is one.
 * Context: thread.
 */
int epoll_look(struct epoll *ep, struct epoll_event *out, int max);

/* Forget the items whose files have gone. Context: lock held. */
void epoll_bury(struct epoll *ep);

/* Link an item whose file is a set; -ELOOP where sets would watch each other too deeply. */
int epoll_nest(struct epoll_item *item);

/* Unlink it, if it is linked. */
void epoll_unnest(struct epoll_item *item);

/* The set itself goes away: no item of an outer set is linked to it any more. */
void epoll_unnest_all(struct epoll *ep);
