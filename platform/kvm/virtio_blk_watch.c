/* SPDX-License-Identifier: BSD-2-Clause */
/* The block driver's watchdog: requests that are never answered, interrupts that never come. */
#include <kvm/virtio_blk.h>

#include <pith/list.h>
#include <pith/log.h>
#include <pith/platform.h>

#define WATCH_NS   1000000000ULL /* how often unanswered requests are looked at */
#define POLL_NS    1000000ULL    /* the same where interrupts do not come */
#define SUSPECT_NS 100000000ULL  /* that late, an interrupt is lost */

static uint64_t oldest_start(const struct virtio_blk *b)
{
    uint64_t oldest = UINT64_MAX;
    for (unsigned i = 0; i < VIRTIO_BLK_QUEUE; i++) {
        if (b->io[i].start_ns != 0 && b->io[i].start_ns < oldest) {
            oldest = b->io[i].start_ns;
        }
    }
    return oldest;
}

/*
 * Does a finished request lie there whose interrupt was due long ago? The first sight of one says
 * nothing: this timer may just have come before the device's interrupt. Context: lock held.
 */
static bool interrupt_lost(struct virtio_blk *b)
{
    bool pending = !b->failing && virtio_ring_pending(&b->queue.ring);
    bool seen_before = b->suspicious && b->suspect_idx == b->queue.ring.used_idx;
    b->suspicious = pending;
    b->suspect_idx = b->queue.ring.used_idx;
    return pending && (seen_before || b->polled);
}

/* Go on without interrupts. Context: masked. */
static void complete_lost(struct virtio_blk *b)
{
    if (!b->polled) {
        klog(LOG_WARNING, "%s: interrupts do not come, it is polled", b->blkdev.name);
        b->polled = true;
    }
    virtio_blk_complete(b);
}

void virtio_blk_watchdog(struct timer *t)
{
    struct virtio_blk *b = LIST_ENTRY(t, struct virtio_blk, watchdog);
    bool was = spin_lock(&b->lock);
    bool lost = interrupt_lost(b);
    spin_unlock(&b->lock, was);
    if (lost) {
        complete_lost(b);
    }
    uint64_t now = platform_clock_ns();
    was = spin_lock(&b->lock);
    uint64_t oldest = oldest_start(b);
    bool waiting = oldest != UINT64_MAX && !b->failing;
    uint64_t age = waiting && now > oldest ? now - oldest : 0;
    bool late = waiting && age >= b->timeout_ns;
    if (waiting && !late) {
        uint64_t usual_ns = b->polled ? POLL_NS : WATCH_NS;
        timer_arm(&b->watchdog, now + (b->suspicious && !b->polled ? SUSPECT_NS : usual_ns));
    }
    spin_unlock(&b->lock, was);
    if (late) {
        virtio_blk_give_up(b, "a request was not answered in time");
    } else if (age >= WATCH_NS && !b->polled) {
        virtio_notify(&b->queue); /* in case that the last one got lost */
    }
}

void virtio_blk_watch(struct virtio_blk *b, uint64_t now_ns)
{
    timer_arm(&b->watchdog, now_ns + (b->polled ? POLL_NS : WATCH_NS));
}
