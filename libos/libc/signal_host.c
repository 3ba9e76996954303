/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's request for an end becomes SIGTERM: a thread sleeps until it comes and runs the
 * handler. Programs that don't handle SIGTERM don't have the thread; it ends them directly.
 */
#include <errno.h>
#include <stddef.h>

#include <pith/iowait.h>
#include <pith/spinlock.h>
#include <pith/stop.h>
#include <pith/thread.h>
#include <pith/waitq.h>

#include "signal_impl.h"

#define STACK_SIZE (32UL * 1024) /* a handler may print */

static struct spinlock lock = SPINLOCK_INIT; /* all below */
static struct waitq sleeping = WAITQ_INIT(sleeping);
static bool come;
static bool started;

static void host_asks(void)
{
    bool was = spin_lock(&lock);
    come = true;
    waitq_wake_all(&sleeping);
    spin_unlock(&lock, was);
}

static void *deliver(void *arg)
{
    for (;;) {
        bool was = spin_lock(&lock);
        while (!come) {
            waitq_wait(&sleeping, &lock, UINT64_MAX);
        }
        come = false;
        spin_unlock(&lock, was);
        signal_send(SIGTERM);
        io_interrupt(); /* the main thread's waiting call returns EINTR */
    }
    return arg;
}

int signal_from_host(void)
{
    struct thread_attr attr = { .stack_size = STACK_SIZE, .detached = true, .name = "signals" };
    struct thread *t;
    bool was = spin_lock(&lock);
    bool first = !started;
    started = true;
    spin_unlock(&lock, was);
    if (!first) {
        return 0;
    }
    int r = thread_create(&t, &attr, deliver, NULL);
    if (r < 0) {
        started = false;
        return r;
    }
    stop_set_hook(host_asks);
    return 0;
}
