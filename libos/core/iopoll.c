/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Polling before sleeping: a thread that waits looks for its packet by itself for a while, with the
 * devices' interrupts as they are, which saves the way into the idle loop and back. It ends at once when
 * another thread is ready to run.
 */
#include <stddef.h>

#include <pith/attention.h>
#include <pith/panic.h>
#include <pith/platform.h>

#include "iowait.h"
#include "sched.h"

/* Set once; the last under io_wait()'s lock. */
static uint64_t span_ns;
static bool adapts;
static uint64_t last_ns; /* how long the last wait took */

static uint64_t look_for_a_while(struct io_waiter *w, uint64_t deadline_ns, unsigned hears)
{
    uint64_t began = platform_clock_ns();
    uint64_t until = began + span_ns;
    bool looked = false;

    if (adapts && last_ns > span_ns) {
        return began;
    }
    until = until < deadline_ns ? until : deadline_ns;
    while (!w->woken && iowait_may_look(w) && sched_alone() && (attention_now() & hears) == 0 &&
           platform_clock_ns() < until) {
        iowait_look();
        looked = true;
    }
    if (looked) {
        iowait_arm();
    }
    return began;
}

static void ended(uint64_t began_ns)
{
    last_ns = platform_clock_ns() - began_ns;
}

void io_engine_poll(uint64_t ns, bool adaptive)
{
    static const struct iowait_polling polling = { look_for_a_while, ended };

    ASSERT(ns != 0);
    span_ns = ns;
    adapts = adaptive;
    __atomic_store_n(&iowait_polling, &polling, __ATOMIC_RELEASE);
}
