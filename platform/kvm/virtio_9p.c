/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio 9P transports: folders of the host (virtio 1.2 lists device id 9; its one queue and its
 * configuration, tag_len[2] tag[], are those of Linux uapi/linux/virtio_9p.h and QEMU hw/9pfs).
 *
 * A request is a chain: the message's pieces, then those of the reply's buffer. Only what is in that
 * buffer can be written by the device; how much it claims to have written is bounded by the ring.
 */
#include <errno.h>
#include <string.h>

#include <kvm/virtio.h>
#include <pith/irq.h>
#include <pith/log.h>
#include <pith/p9dev.h>
#include <pith/page.h>
#include <pith/spinlock.h>
#include <x86/mem.h>
#include <x86/probe.h>

#define QUEUE_SIZE 128  /* QEMU's MAX_REQ */
#define PIECES_MAX 48   /* of a chain */
#define F_MOUNT_TAG 1ULL /* VIRTIO_9P_MOUNT_TAG, bit 0 */

/* A message with every page of its data elsewhere fits a chain: 32 pages, one more for a bad start. */
#define MESSAGE_MAX (128u * 1024 + 24)

struct virtio_9p {
    struct p9dev p9dev; /* first, so that p9dev_ops can find us */
    struct virtio_device *dev;
    struct virtio_queue queue;
    struct spinlock lock; /* of all below and the ring */
    bool failing;
};

/* Take the finished requests and end them. Context: masked, lock not held. */
static void complete(struct virtio_9p *d)
{
    bool more = true;
    while (more) {
        uint32_t written;
        bool was = spin_lock(&d->lock);
        virtio_ring_disarm(&d->queue.ring);
        struct p9_request *req = virtio_ring_take(&d->queue.ring, &written);
        more = req != NULL || virtio_ring_arm(&d->queue.ring);
        spin_unlock(&d->lock, was);
        if (req != NULL) {
            req->received = written;
            req->status = 0;
            req->done(req); /* the request may be gone */
        }
        more = more && !d->queue.ring.broken;
    }
}

/* Reset the device; what it had ends with -EIO. Context: masked, lock not held. */
static void give_up(struct virtio_9p *d, const char *why)
{
    bool was = spin_lock(&d->lock);
    bool first = !d->failing;
    d->failing = true;
    spin_unlock(&d->lock, was);
    if (!first) {
        return;
    }
    __atomic_store_n(&d->p9dev.failed, true, __ATOMIC_RELEASE);
    virtio_fail(d->dev, why); /* from here on the device does not touch the buffers */
    struct p9_request *req;
    do {
        was = spin_lock(&d->lock);
        req = virtio_ring_reclaim(&d->queue.ring);
        spin_unlock(&d->lock, was);
        if (req != NULL) {
            req->status = -EIO;
            req->done(req);
        }
    } while (req != NULL);
}

static void interrupt(void *arg)
{
    struct virtio_9p *d = arg;
    complete(d);
    if (d->queue.ring.broken || d->dev->failed) {
        give_up(d, d->queue.ring.broken ? d->queue.ring.why : "failed");
    }
}

static void poll(struct p9dev *dev)
{
    bool was = irq_save();
    interrupt(dev);
    irq_restore(was);
}

static void fail(struct p9dev *dev, const char *why)
{
    bool was = irq_save();
    give_up((struct virtio_9p *)dev, why);
    irq_restore(was);
}

/* Cut a piece where its physical addresses jump. Errors: -E2BIG, -EFAULT. */
static int put_piece(struct virtio_buf *bufs, unsigned *n, const struct p9_piece *piece)
{
    const char *p = piece->base;
    size_t len = piece->len;
    while (len > 0) {
        size_t part;
        paddr_t pa = mem_to_paddr(p, len, &part);
        if (pa == PADDR_NONE || part == 0) {
            return -EFAULT;
        }
        if (*n == PIECES_MAX) {
            return -E2BIG;
        }
        bufs[(*n)++] = (struct virtio_buf){ pa, (uint32_t)part };
        p += part;
        len -= part;
    }
    return 0;
}

static int submit(struct p9dev *dev, struct p9_request *req)
{
    struct virtio_9p *d = (struct virtio_9p *)dev;
    struct virtio_buf bufs[PIECES_MAX];
    unsigned n = 0;
    int r = 0;
    for (unsigned i = 0; i < req->nout && r == 0; i++) {
        r = put_piece(bufs, &n, &req->out[i]);
    }
    unsigned nout = n;
    for (unsigned i = 0; i < req->nin && r == 0; i++) {
        r = put_piece(bufs, &n, &req->in[i]);
    }
    if (r != 0) {
        return r == -EFAULT ? -EFAULT : -EIO;
    }
    bool was = spin_lock(&d->lock);
    r = d->failing ? -EIO : virtio_ring_add(&d->queue.ring, bufs, nout, n - nout, req);
    bool notify = r == 0 && virtio_ring_publish(&d->queue.ring);
    spin_unlock(&d->lock, was);
    if (notify) {
        virtio_notify(&d->queue);
    }
    return r == -ENOSPC ? -EAGAIN : r;
}

static const struct p9dev_ops ops = { .submit = submit, .poll = poll, .fail = fail };

/* The mount tag: not terminated, any bytes; a NUL ends it for us. Errors: -EINVAL. */
static int read_tag(struct virtio_9p *d)
{
    uint16_t len;
    virtio_config(d->dev, 0, &len, sizeof(len));
    if (len == 0 || len >= P9DEV_NAME_MAX) {
        klog(LOG_WARNING, "%s: a mount tag of %u bytes", d->dev->name, len);
        return -EINVAL;
    }
    for (unsigned i = 0; i < len; i++) {
        virtio_config(d->dev, 2 + i, &d->p9dev.name[i], 1);
    }
    for (unsigned i = 0; d->p9dev.name[i] != '\0'; i++) {
        if ((unsigned char)d->p9dev.name[i] < ' ') {
            d->p9dev.name[i] = '?'; /* it goes to the log */
        }
    }
    return d->p9dev.name[0] == '\0' ? -EINVAL : 0;
}

static int set_up(struct virtio_9p *d)
{
    int err = virtio_open(d->dev, F_MOUNT_TAG | VIRTIO_F_EVENT_IDX);
    if (err == 0) {
        err = virtio_queue_open(d->dev, &d->queue, 0, QUEUE_SIZE, interrupt, d);
    }
    if (err == 0) {
        err = read_tag(d);
    }
    return err == 0 ? virtio_start(d->dev) : err;
}

_Static_assert(sizeof(struct virtio_9p) <= PAGE_SIZE, "one page");

static int attach(struct virtio_device *dev)
{
    struct virtio_9p *d = page_alloc(0);
    if (d == NULL) {
        return -ENOMEM;
    }
    memset(d, 0, PAGE_SIZE);
    d->dev = dev;
    d->p9dev.ops = &ops;
    d->p9dev.max_message = MESSAGE_MAX;
    int err = set_up(d);
    if (err == 0 && d->queue.ring.size < PIECES_MAX) {
        /* Fewer pieces than the longest message may take: shorter ones. */
        d->p9dev.max_message = d->queue.ring.size >= 8 ? (d->queue.ring.size - 5u) * PAGE_SIZE : 0;
        err = d->p9dev.max_message < P9DEV_SMALLEST ? -EINVAL : 0;
    }
    if (err < 0) {
        klog(LOG_ERROR, "%s: shared folder not driven, error %d", dev->name, -err);
        virtio_close(dev);
        page_free(d, 0);
        return err;
    }
    bool was = spin_lock(&d->lock);
    virtio_ring_arm(&d->queue.ring);
    spin_unlock(&d->lock, was);
    p9dev_attach(&d->p9dev);
    return 0;
}

int virtio_9p_probe(void)
{
    return virtio_probe(VIRTIO_ID_9P, attach);
}
