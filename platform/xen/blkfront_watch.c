/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block front end's watchdog: answers that never come.
 *
 * The time of a request is counted in rounds of this timer and not by the clock: while the guest is
 * paused or saved the clock may go on, but nobody could answer.
 */
#include <xenplat/blkfront.h>

#include <pith/list.h>
#include <pith/platform.h>

#define WATCH_NS 1000000000ULL

void blkfront_watch_start(struct blkfront *b)
{
    timer_arm(&b->watchdog, platform_clock_ns() + WATCH_NS);
}

void blkfront_watchdog(struct timer *t)
{
    struct blkfront *b = LIST_ENTRY(t, struct blkfront, watchdog);
    bool late = false;

    blkfront_complete(b); /* what lies there is no reason to complain */
    bool was = spin_lock(&b->lock);
    if (b->state == BLKFRONT_CONNECTED && b->nbusy > 0) {
        for (unsigned i = 0; i < b->nio; i++) {
            struct blkfront_io *io = &b->io[i];
            late |= io->busy && ++io->ticks >= b->timeout_s;
        }
        if (!late) {
            blkfront_watch_start(b);
        }
    }
    spin_unlock(&b->lock, was);
    if (late) {
        blkfront_give_up(b, "a request was not answered in time");
    }
}
