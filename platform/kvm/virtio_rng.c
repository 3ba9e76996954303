/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio entropy devices (virtio 1.2, 5.4): one buffer, which the device fills.
 *
 * What arrives goes only into the random pool, which mixes it: a lying device can add nothing, but
 * takes nothing away.
 */
#include <errno.h>
#include <string.h>

#include <kvm/virtio.h>
#include <pith/irq.h>
#include <pith/page.h>
#include <pith/platform.h>
#include <pith/log.h>
#include <pith/rngdev.h>
#include <pith/spinlock.h>
#include <pith/waitq.h>
#include <x86/mem.h>
#include <x86/probe.h>

#define QUEUE_SIZE  2
#define BUFFER_SIZE 256
#define WAIT_NS     1000000000ULL

/* One page: ours at the front, the device's buffer at the end. */
struct virtio_rng {
    struct rngdev rngdev; /* first */
    struct virtio_device *dev;
    struct virtio_queue queue;
    struct spinlock lock; /* of all below and the ring */
    struct waitq wait;
    bool busy;            /* the device has the buffer */
    uint32_t ready;       /* bytes in it that nobody has taken */
    paddr_t buffer_pa;
    char *buffer;
};

/* See whether the buffer is back. Context: lock held. */
static void collect(struct virtio_rng *r)
{
    uint32_t len;
    do {
        if (virtio_ring_take(&r->queue.ring, &len) != NULL) {
            r->ready = len; /* bounded by the ring: no more than the buffer is long */
            r->busy = false;
        }
    } while (virtio_ring_arm(&r->queue.ring));
}

static void rng_interrupt(void *arg)
{
    struct virtio_rng *r = arg;
    bool was = spin_lock(&r->lock);
    collect(r);
    waitq_wake_all(&r->wait);
    bool broken = r->queue.ring.broken;
    spin_unlock(&r->lock, was);
    if (broken) {
        virtio_fail(r->dev, r->queue.ring.why);
    }
}

/* Give the device the buffer, unless it has it. Context: lock held. Returns whether to notify. */
static bool request(struct virtio_rng *r)
{
    struct virtio_buf buf = { r->buffer_pa, BUFFER_SIZE };
    if (r->busy || r->ready > 0 || virtio_ring_add(&r->queue.ring, &buf, 0, 1, r) < 0) {
        return false;
    }
    r->busy = true;
    return virtio_ring_publish(&r->queue.ring);
}

static int rng_read(struct rngdev *dev, void *buf, size_t len)
{
    struct virtio_rng *r = (struct virtio_rng *)dev;
    uint64_t deadline = platform_clock_ns() + WAIT_NS;
    int err = 0;
    bool was = spin_lock(&r->lock);
    while (r->ready == 0 && err == 0) {
        if (r->dev->failed) {
            err = -EIO;
            break;
        }
        if (request(r)) {
            virtio_notify(&r->queue);
        }
        collect(r);
        if (r->ready == 0) {
            /*
             * After a time-out the device keeps the buffer, and the next call may find it filled.
             */
            err = waitq_wait(&r->wait, &r->lock, deadline);
        }
    }
    size_t n = len < r->ready ? len : r->ready;
    memcpy(buf, r->buffer + r->ready - n, n);
    memset(r->buffer + r->ready - n, 0, n); /* random bytes are used once */
    r->ready -= (uint32_t)n;
    spin_unlock(&r->lock, was);
    return n > 0 || err == 0 ? (int)n : err;
}

static int attach(struct virtio_device *dev)
{
    size_t contiguous;
    struct virtio_rng *r = page_alloc(0);
    if (r == NULL) {
        return -ENOMEM;
    }
    memset(r, 0, PAGE_SIZE);
    r->rngdev.name = dev->name;
    r->rngdev.read = rng_read;
    r->dev = dev;
    waitq_init(&r->wait);
    r->buffer = (char *)r + PAGE_SIZE - BUFFER_SIZE;
    r->buffer_pa = mem_to_paddr(r->buffer, BUFFER_SIZE, &contiguous);
    int err = r->buffer_pa == PADDR_NONE ? -EIO : virtio_open(dev, VIRTIO_F_EVENT_IDX);
    if (err == 0) {
        err = virtio_queue_open(dev, &r->queue, 0, QUEUE_SIZE, rng_interrupt, r);
    }
    if (err == 0) {
        err = virtio_start(dev);
    }
    if (err < 0) {
        klog(LOG_WARNING, "%s: entropy device not driven, error %d", dev->name, -err);
        virtio_close(dev);
        page_free(r, 0);
        return err;
    }
    rngdev_attach(&r->rngdev);
    return 0;
}

_Static_assert(sizeof(struct virtio_rng) <= PAGE_SIZE - BUFFER_SIZE, "one page");

int virtio_rng_probe(void)
{
    return virtio_probe(VIRTIO_ID_ENTROPY, attach);
}
