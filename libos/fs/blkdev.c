/* SPDX-License-Identifier: BSD-2-Clause */
/* Block devices: reading and writing with many requests in flight. */
#include <pith/blkdev.h>

#include <errno.h>

#include <pith/platform.h>
#include <pith/spinlock.h>
#include <pith/thread.h>
#include <pith/waitq.h>

#define IN_FLIGHT      16u     /* requests of one transfer at the device at a time */
#define FULL_SLEEP_NS  50000u  /* the ring is full of others' requests: look again after this */

/* One transfer: a range of the device, cut into requests, some of which are at the device. */
struct transfer {
    struct spinlock lock;
    struct waitq done;
    unsigned busy;              /* bit i: slot i is at the device; under lock */
    int status;                 /* the first error; under lock */
    struct blk_request req[IN_FLIGHT];
    struct blk_segment seg[IN_FLIGHT];
};

_Static_assert(IN_FLIGHT < 32, "a bit per slot");

#define ALL_SLOTS ((1u << IN_FLIGHT) - 1)

/* A request of a transfer is complete. Context: interrupt or the submitter's, masked. */
static void request_done(struct blk_request *req)
{
    struct transfer *t = req->arg;
    bool was = spin_lock(&t->lock);
    t->busy &= ~(1u << (req - t->req));
    if (req->status != 0 && t->status == 0) {
        t->status = req->status;
    }
    waitq_wake_all(&t->done);
    spin_unlock(&t->lock, was);
}

/*
 * Wait until a slot is free (or with `all`, until all are). Returns the slots that are at the
 * device.
 */
static unsigned wait_slots(struct transfer *t, bool all)
{
    bool was = spin_lock(&t->lock);
    while (all ? t->busy != 0 : t->busy == ALL_SLOTS) {
        /* No deadline: the driver ends each request, at worst with -EIO. */
        waitq_wait(&t->done, &t->lock, UINT64_MAX);
    }
    unsigned busy = t->busy;
    spin_unlock(&t->lock, was);
    return busy;
}

/* Why it takes no requests at all: 0, -ENXIO or -EIO. */
static int broken(const struct blkdev *dev)
{
    return __atomic_load_n(&dev->gone, __ATOMIC_RELAXED)     ? -ENXIO
           : __atomic_load_n(&dev->failed, __ATOMIC_RELAXED) ? -EIO
                                                             : 0;
}

/*
 * Hand the slots in `list` to the device. What its ring has no room for is handed in again after
 * one of ours has come back, or after a pause when all the requests in the ring are others'.
 */
static int submit_all(struct blkdev *dev, struct transfer *t, struct blk_request **list, unsigned n)
{
    while (n != 0) {
        bool was = spin_lock(&t->lock);
        for (unsigned i = 0; i < n; i++) {
            t->busy |= 1u << (list[i] - t->req);
        }
        spin_unlock(&t->lock, was);
        int taken = broken(dev);
        if (taken == 0) {
            taken = dev->ops->submit(dev, list, n);
        }
        unsigned at = taken > 0 ? (unsigned)taken : 0;
        was = spin_lock(&t->lock);
        for (unsigned i = at; i < n; i++) {
            t->busy &= ~(1u << (list[i] - t->req));
        }
        spin_unlock(&t->lock, was);
        if (taken < 0) {
            return taken;
        }
        list += at;
        n -= at;
        if (n != 0 && at == 0) {
            dev->ops->poll(dev);
            thread_sleep_until(platform_clock_ns() + FULL_SLEEP_NS);
        }
    }
    return 0;
}

/* The largest piece that one request takes, a multiple of the block size. */
static size_t piece_of(const struct blkdev *dev)
{
    size_t piece = dev->max_bytes - dev->max_bytes % dev->block_size;
    return piece != 0 ? piece : dev->block_size;
}

static int transfer(struct blkdev *dev, bool write, char *buf, size_t len, uint64_t off)
{
    struct transfer t;
    t.lock = (struct spinlock)SPINLOCK_INIT;
    waitq_init(&t.done);
    t.busy = 0;
    t.status = 0;
    size_t piece = piece_of(dev);
    int r = 0;
    while (len != 0 && r == 0) {
        struct blk_request *list[IN_FLIGHT];
        unsigned n = 0;
        unsigned busy = wait_slots(&t, false);
        for (unsigned i = 0; i < IN_FLIGHT && len != 0; i++) {
            if (busy & 1u << i) {
                continue;
            }
            size_t part = len < piece ? len : piece;
            t.seg[i] = (struct blk_segment){ buf, part };
            t.req[i] = (struct blk_request){
                .op = write ? BLK_WRITE : BLK_READ,
                .sector = off / BLKDEV_SECTOR,
                .segment = &t.seg[i],
                .nsegments = 1,
                .done = request_done,
                .arg = &t,
            };
            list[n++] = &t.req[i];
            buf += part;
            off += part;
            len -= part;
        }
        r = submit_all(dev, &t, list, n);
        if (r == 0) {
            r = __atomic_load_n(&t.status, __ATOMIC_RELAXED);
        }
    }
    wait_slots(&t, true); /* also after an error: the device still has our buffers */
    return r != 0 ? r : t.status;
}

/* Whether [off, off + len) are whole blocks of the device. */
static bool is_inside(const struct blkdev *dev, uint64_t off, uint64_t len)
{
    uint64_t size = dev->nsectors * BLKDEV_SECTOR;
    return off % dev->block_size == 0 && len % dev->block_size == 0 && off <= size &&
           len <= size - off;
}

int blkdev_rw(struct blkdev *dev, bool write, void *buf, size_t len, uint64_t off)
{
    if (!is_inside(dev, off, len)) {
        return -EINVAL;
    }
    if (write && dev->readonly) {
        return -EROFS;
    }
    return transfer(dev, write, buf, len, off);
}

/* A request without data, alone; waits for its end. */
static int one_request(struct blkdev *dev, enum blk_op op, uint64_t sector, uint64_t nsectors)
{
    struct transfer t;
    t.lock = (struct spinlock)SPINLOCK_INIT;
    waitq_init(&t.done);
    t.busy = 0;
    t.status = 0;
    t.req[0] = (struct blk_request){ .op = op, .sector = sector, .nsectors = nsectors,
                                     .done = request_done, .arg = &t };
    struct blk_request *list[1] = { &t.req[0] };
    int r = submit_all(dev, &t, list, 1);
    wait_slots(&t, true);
    return r != 0 ? r : t.status;
}

int blkdev_flush(struct blkdev *dev)
{
    return dev->has_flush ? one_request(dev, BLK_FLUSH, 0, 0) : broken(dev);
}

int blkdev_discard(struct blkdev *dev, uint64_t off, uint64_t len)
{
    if (!is_inside(dev, off, len)) {
        return -EINVAL;
    }
    if (dev->readonly || !dev->has_discard) {
        return dev->readonly ? -EROFS : -ENOTSUP;
    }
    uint64_t at = off / BLKDEV_SECTOR, left = len / BLKDEV_SECTOR;
    int r = left == 0 ? broken(dev) : 0;
    while (left > 0 && r == 0) {
        uint64_t n = dev->max_discard != 0 && left > dev->max_discard ? dev->max_discard : left;
        r = one_request(dev, BLK_DISCARD, at, n);
        at += n;
        left -= n;
    }
    return r;
}
