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

/* Put a finished request on a list of such, which go through req->driver. */
static void push(struct blk_request **list, struct blk_request *req, int status)
{
    req->status = status;
    req->driver = *list;
    *list = req;
}

static unsigned finish(struct blk_request *list)
{
    unsigned n = 0;
    while (list != NULL) {
        struct blk_request *next = list->driver;
        list->driver = NULL;
        list->done(list);
        list = next;
        n++;
    }
    return n;
}

/* One request is over: to the list, or the serial number is there. Context: lock held. */
static void end_io(struct virtio_blk *b, struct virtio_blk_io *io, int status,
                   struct blk_request **list)
{
    struct blk_request *req = io->req;
    io->status = status;
    virtio_blk_end(b, io);
    if (req != NULL) {
        push(list, req, status);
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
    return finish(list);
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
        n += finish(list);
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

/* What is wrong with a request before the device sees it: 0 or its status. */
static int check(const struct virtio_blk *b, const struct blk_request *req)
{
    if (req->op == BLK_FLUSH) {
        return 0;
    }
    size_t len = 0;
    for (unsigned i = 0; i < req->nsegments; i++) {
        if (req->segment[i].len > VIRTIO_BLK_MAX_BYTES) {
            return -EINVAL;
        }
        len += req->segment[i].len;
    }
    uint32_t mask = b->blkdev.block_size - 1;
    uint64_t sectors = len / BLKDEV_SECTOR;
    if ((req->op != BLK_READ && req->op != BLK_WRITE) || len == 0 || (len & mask) != 0 ||
        req->nsegments > b->blkdev.max_segments || len > b->blkdev.max_bytes ||
        (req->sector * BLKDEV_SECTOR & mask) != 0) {
        return -EINVAL;
    }
    if (req->sector > b->blkdev.nsectors || sectors > b->blkdev.nsectors - req->sector) {
        return -EINVAL;
    }
    return req->op == BLK_WRITE && b->blkdev.readonly ? -EROFS : 0;
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
        int err = check(b, req[taken]);
        if (err == 0 && req[taken]->op == BLK_FLUSH && !dev->has_flush) {
            push(&list, req[taken], 0); /* what is written is durable already */
            continue;
        }
        if (err == 0) {
            err = virtio_blk_start(b, req[taken], now);
        }
        if (err == -ENOSPC || err == -EIO) {
            break; /* the ring is full, or has just broken, which the next completion finds */
        }
        if (err < 0) {
            push(&list, req[taken], err);
        }
    }
    bool notify = virtio_ring_publish(&b->queue.ring);
    if (b->queue.ring.outstanding > 0 && !timer_armed(&b->watchdog)) {
        virtio_blk_watch(b, now);
    }
    spin_unlock(&b->lock, was);
    if (notify) {
        virtio_notify(&b->queue);
    }
    finish(list);
    irq_restore(outer);
    return (int)taken;
}

const struct blkdev_ops virtio_blk_ops = { .submit = blk_submit, .poll = blk_poll };
