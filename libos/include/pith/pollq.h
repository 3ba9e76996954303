/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Poll queues: who wants to know when a file may have become readable, writable or broken.
 *
 * Each kind of file that can block has one (file_ops.pollq). Whoever changes its state notifies;
 * poll(), epoll and blocking calls put watches on it. A notification is a hint: the watcher asks
 * file_ops.ready() for the truth. None is lost: a watcher that adds its watch first and asks ready()
 * second sees every change.
 */
#pragma once

#include <stdint.h>

#include <pith/list.h>
#include <pith/spinlock.h>

struct pollq {
    struct spinlock lock;
    struct list watches;
};

/* One watcher of one queue; its memory is the watcher's. */
struct pollwatch {
    struct list link;    /* under the queue's lock */
    struct pollq *q;     /* NULL: on none */
    /*
     * `events` (POLLIN, ...) may hold now. Called with the queue's lock held, maybe in an interrupt:
     * wakes or enqueues, nothing else; it must not touch any poll queue.
     */
    void (*notify)(struct pollwatch *w, int events);
};

void pollq_init(struct pollq *q);

/* Tell all watchers. Context: any. */
void pollq_notify(struct pollq *q, int events);

/*
 * Tell all watchers POLLHUP | POLLERR for the last time and take their watches off: the queue's
 * memory goes away. The watchers hold no reference to the file. Context: any.
 */
void pollq_close(struct pollq *q);

/* Put a watch on a queue; take it off. After pollwatch_remove() returns, notify() does not run. */
void pollwatch_add(struct pollwatch *w, struct pollq *q);
void pollwatch_remove(struct pollwatch *w);
