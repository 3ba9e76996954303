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

#include <poll.h>
#include <stdbool.h>
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
    struct pollq *q;     /* NULL: on none, also in notify() called by pollq_close() */
    /*
     * `events` (POLLIN, ...) may hold now. Called with the queue's lock held, maybe in an interrupt:
     * wakes or enqueues, nothing else. It must not touch this queue; an epoll's notifies the
     * epoll's own queue, which is fine because no file watches itself, over whatever corners.
     */
    void (*notify)(struct pollwatch *w, int events);
};

#define POLLQ_INIT(name) { SPINLOCK_INIT, LIST_INIT((name).watches) }

void pollq_init(struct pollq *q);

/*
 * Whether news of `events` concern somebody who waits for `wanted`: POLLERR and POLLHUP always, and
 * the bits of each direction stand for each other, so that who notifies need name but one.
 */
static inline bool pollq_concerns(int events, int wanted)
{
    const int rdhup = 0x2000; /* POLLRDHUP, which the host's <poll.h> hides from unit tests */
    const int read_side = POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND | rdhup;
    const int write_side = POLLOUT | POLLWRNORM | POLLWRBAND;

    if ((events & (wanted | POLLERR | POLLHUP)) != 0) {
        return true; /* most often */
    }
    wanted |= ((wanted & read_side) != 0 ? read_side : 0) | ((wanted & write_side) != 0 ? write_side : 0);
    return (events & wanted) != 0;
}

/* Tell all watchers, of whom there are some. Context: any. */
void pollq_tell(struct pollq *q, int events);

/* Tell all watchers. Context: any. */
static inline void pollq_notify(struct pollq *q, int events)
{
    /*
     * What the caller has changed is stored before the list is read; pollwatch_add() has it the other
     * way round, for a watcher that looks afterwards: one of both sees the other.
     */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&q->watches.next, __ATOMIC_RELAXED) != &q->watches) {
        pollq_tell(q, events);
    }
}

/*
 * Tell all watchers POLLHUP | POLLERR for the last time and take their watches off: the queue's
 * memory goes away. The watchers hold no reference to the file. Context: any.
 */
void pollq_close(struct pollq *q);

/*
 * Put a watch (its notify set) on a queue; take it off, which may be done twice and for a watch
 * whose queue has been closed. After pollwatch_remove() returns, notify() does not run. Context:
 * any, no lock of a queue held.
 */
void pollwatch_add(struct pollwatch *w, struct pollq *q);
void pollwatch_remove(struct pollwatch *w);
