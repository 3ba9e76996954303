/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio block devices (virtio 1.2, 5.2): requests in and out.
 *
 * Threads put requests on the ring themselves and notify the device once per batch. Completions are
 * taken in the interrupt or by whoever polls. A device that breaks the rules or does not answer is
 * reset, and all that it had comes back with -EIO.
 */
#include <kvm/virtio_blk.h>

#include <errno.h>
#include <string.h>

#include <pith/irq.h>
#include <pith/log.h>
#include <pith/platform.h>

static int status_to_errno(struct virtio_blk *b, uint8_t status)
{
    switch (status) {
    case VIRTIO_BLK_OK:
        return 0;
    case VIRTIO_BLK_UNSUPP:
        return -ENOTSUP;
    default:
        if (b->bad_status++ == 0) {
            klog(LOG_WARNING, "%s: status byte %u means nothing", b->blkdev.name, status);
        }
        return -EIO;
    case VIRTIO_BLK_ERROR:
        return -EIO;
    }
}

/* One request is over: to the list, or the serial number is there. Context: lock held. */
static void end_io(struct virtio_blk *b, struct virtio_blk_io *io, int status,
                   struct blk_request **list)
{
    struct blk_request *req = io->req;
    io->status = status;
    virtio_blk_end(b, io);
    if (req != NULL) {
        blkdev_end(list, req, status);
        return;
    }
    if (status == 0) {
        memcpy(b->blkdev.serial, b->id, VIRTIO_BLK_ID_LEN); /* the rest of serial[] stays 0 */
    }
    b->id_done = true;
}

unsigned virtio_blk_give_up(struct virtio_blk *b, const char *why)
{
    struct blk_request *list = NULL;
    bool was = spin_lock(&b->lock);
    bool first = !b->failing;
    b->failing = true;
    b->blkdev.failed = true;
    spin_unlock(&b->lock, was);
    if (!first) {
        return 0;
    }
    virtio_fail(b->dev, why); /* from here on the device does not touch the buffers */
    was = spin_lock(&b->lock);
    struct virtio_blk_io *io;
    while ((io = virtio_ring_reclaim(&b->queue.ring)) != NULL) {
        end_io(b, io, -EIO, &list);
    }
    spin_unlock(&b->lock, was);
    return blkdev_done(list);
}

unsigned virtio_blk_complete(struct virtio_blk *b)
{
    unsigned n = 0;
    bool more = true;
    while (more) {
        struct blk_request *list = NULL;
        uint32_t written;
        struct virtio_blk_io *io;
        bool was = spin_lock(&b->lock);
        virtio_ring_disarm(&b->queue.ring);
        while ((io = virtio_ring_take(&b->queue.ring, &written)) != NULL) {
            /* `written` may be short: only the status byte says whether the data is there. */
            end_io(b, io, status_to_errno(b, b->slots[io - b->io].status), &list);
        }
        more = virtio_ring_arm(&b->queue.ring);
        spin_unlock(&b->lock, was);
        n += blkdev_done(list);
    }
    if (b->queue.ring.broken || b->dev->failed) {
        n += virtio_blk_give_up(b, b->queue.ring.broken ? b->queue.ring.why : "failed");
    }
    return n;
}

static int blk_poll(struct blkdev *dev)
{
    bool was = irq_save();
    unsigned n = virtio_blk_complete((struct virtio_blk *)dev);
    irq_restore(was);
    return (int)n;
}

static int blk_submit(struct blkdev *dev, struct blk_request **req, unsigned n)
{
    struct virtio_blk *b = (struct virtio_blk *)dev;
    struct blk_request *list = NULL;
    unsigned taken = 0;
    uint64_t now = platform_clock_ns();
    bool outer = irq_save();
    bool was = spin_lock(&b->lock);
    if (b->failing) {
        spin_unlock(&b->lock, was);
        irq_restore(outer);
        return -EIO;
    }
    for (; taken < n; taken++) {
        int err = blkdev_check(dev, req[taken]);
        if (err == 0 && req[taken]->op == BLK_FLUSH && !dev->has_flush) {
            blkdev_end(&list, req[taken], 0); /* what is written is durable already */
            continue;
        }
        if (err == 0) {
            err = virtio_blk_start(b, req[taken], now);
        }
        if (err == -ENOSPC || err == -EIO) {
            break; /* the ring is full, or has just broken, which the next completion finds */
        }
        if (err < 0) {
            blkdev_end(&list, req[taken], err);
        } else {
            dev->stats.requests++;
        }
    }
    bool notify = virtio_ring_publish(&b->queue.ring);
    dev->stats.notifies += notify;
    if (b->queue.ring.outstanding > 0 && !timer_armed(&b->watchdog)) {
        virtio_blk_watch(b, now);
    }
    spin_unlock(&b->lock, was);
    if (notify) {
        virtio_notify(&b->queue);
    }
    blkdev_done(list);
    irq_restore(outer);
    return (int)taken;
}

const struct blkdev_ops virtio_blk_ops = { .submit = blk_submit, .poll = blk_poll };
