/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping for I/O, and who does the work of devices meanwhile.
 *
 * A thread that waits for a socket takes its packets from the ring itself: of all threads in
 * io_wait() one is the *leader*; it runs the engine (the network's `work`), sleeps on the device's
 * interrupt, and runs the engine again, until what it waits for has happened; then another waiter
 * leads. A background thread of the engine leads when no other thread waits, so that packets and
 * timers are served while the program computes or sleeps elsewhere. Where no engine is installed,
 * io_wait() is an ordinary sleep.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <pith/pollq.h>
#include <pith/waitq.h>

struct file;

/* Somebody who waits; lives on its stack. */
struct io_waiter {
    struct waitq q;
    struct list link;   /* among the waiters */
    bool woken;         /* sticky until io_wait() has returned it */
    bool background;    /* leads only when nobody else does */
    bool deaf;          /* signals and cancellation don't end its waits */
};

void io_waiter_init(struct io_waiter *w);

/* Wake it, now or at its next io_wait(). Context: any. */
void io_wake(struct io_waiter *w);

/*
 * Sleep until io_wake(), or until monotonic deadline_ns (UINT64_MAX: no limit). Runs the engine
 * where this thread leads. Context: thread, unmasked, no lock of the engine held.
 * Errors: -ETIMEDOUT, -EINTR (pith/attention.h).
 */
int io_wait(struct io_waiter *w, uint64_t deadline_ns);

/*
 * Run the engine if it has work and no thread is at it; never sleeps. For calls that answer -EAGAIN
 * instead of waiting, so that a program which only polls sees its packets. A deadline in the past
 * makes io_wait() do the same. Context: thread, unmasked, no lock of the engine held.
 */
void io_poll(void);

/* What the engine is; there is at most one, the network. */
struct io_engine {
    /*
     * Do all work that is there, without sleeping (it may take mutexes for a short time). Returns
     * the monotonic time at which it has to be called again, UINT64_MAX for never, 0 when there is
     * more to do at once. On return device interrupts are armed unless it returned 0.
     * Context: thread.
     */
    uint64_t (*work)(void);

    /* For polling: the same without arming, and arming alone, which says whether there is more to do. */
    uint64_t (*look)(void);
    bool (*arm)(void);
};

/* Install the engine and start its background thread. Errors: -ENOMEM. Context: thread, once. */
int io_engine_start(const struct io_engine *engine);

/*
 * Have threads that wait call the engine's look() over and over for `ns` (not 0) before they sleep;
 * adaptive: only while waits take no longer than that. Context: thread, once.
 */
void io_engine_poll(uint64_t ns, bool adaptive);

/* The engine has work: the leader runs it. Context: any; this is what a device's interrupt calls. */
void io_engine_kick(void);

/*
 * Wait until any of `events` (POLLIN, ...) holds for the file, or POLLERR or POLLHUP, and run the
 * engine meanwhile. What every blocking call on a file that the engine serves is made of:
 *
 *     while ((r = try(f)) == -EAGAIN && !nonblocking) {
 *         if ((r = file_wait(f, POLLIN, deadline)) < 0) break;
 *     }
 *
 * Returns the events that hold. Errors: -ETIMEDOUT, -EINTR. Context: thread.
 */
int file_wait(struct file *f, int events, uint64_t deadline_ns);

/*
 * The same for files that the engine has no part in: pipes, consoles, whatever another thread or an
 * interrupt notifies. It costs half as much, since the thread joins nobody who runs the engine; that
 * is then done by others who wait, or by its background thread. The file has a poll queue and a
 * ready(), and the caller has a reference to it.
 *
 * Returns 0 when one of `events` may hold: the caller tries again. Errors: -ETIMEDOUT, -EINTR.
 * Context: thread, unmasked.
 */
int file_sleep(struct file *f, int events, uint64_t deadline_ns);

/* The same for a file with poll queue q whose ready() takes no lock: asked once, with q's lock held. */
int file_sleep_locked(struct file *f, struct pollq *q, int events, uint64_t deadline_ns);

/*
 * file_wait() for a condition that ready() doesn't tell: `done(arg)` is asked first and after each
 * notification that concerns `events`, until it answers something other than 0. Returns that.
 */
int file_wait_until(struct file *f, int events, uint64_t deadline_ns, int (*done)(void *arg),
                    void *arg);
