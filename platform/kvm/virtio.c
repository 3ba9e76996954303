/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a virtio device (virtio 1.2, 3.1 "Device Initialization"), whatever its transport. */
#include <kvm/virtio.h>

#include <errno.h>
#include <string.h>

#include <pith/log.h>
#include <pith/page.h>
#include <pith/platform.h>
#include <x86/mem.h>

#define RESET_NS         100000000ULL /* 100 ms for a reset */
#define MAX_GENERATIONS  16

/* Begin a reset and wait for its end (4.1.4.3.2: status reads 0). */
static int reset(struct virtio_device *dev)
{
    uint64_t deadline = platform_clock_ns() + RESET_NS;
    dev->transport->set_status(dev, 0);
    while (dev->transport->status(dev) != 0) {
        if (platform_clock_ns() > deadline) {
            return -ETIMEDOUT;
        }
        cpu_relax();
    }
    return 0;
}

int virtio_open(struct virtio_device *dev, uint64_t wanted)
{
    const struct virtio_transport *t = dev->transport;
    int err = t->open(dev);
    if (err < 0) {
        return err;
    }
    dev->opened = true;
    err = reset(dev);
    if (err < 0) {
        klog(LOG_WARNING, "%s: does not end its reset", dev->name);
        return err;
    }
    t->set_status(dev, VIRTIO_STATUS_ACKNOWLEDGE);
    t->set_status(dev, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
    uint64_t offered = t->features(dev);
    if ((offered & VIRTIO_F_VERSION_1) == 0) {
        klog(LOG_WARNING, "%s: a device from before virtio 1.0, not driven", dev->name);
        return -ENODEV;
    }
    /*
     * Without an IOMMU of ours, ACCESS_PLATFORM means guest-physical addresses: nothing to do but
     * agree.
     */
    dev->features = offered & (wanted | VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM);
    t->accept(dev, dev->features);
    uint8_t status = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK;
    t->set_status(dev, status);
    if ((t->status(dev) & VIRTIO_STATUS_FEATURES_OK) == 0) {
        klog(LOG_WARNING, "%s: refuses the features %llx", dev->name,
             (unsigned long long)dev->features);
        return -EIO;
    }
    return 0;
}

/*
 * Memory for a ring and its shadow; the shadow lies behind it, on pages that the device is not told
 * of.
 */
static int alloc_ring(struct virtio_queue *q, unsigned size, bool event_idx)
{
    size_t shared = (virtio_ring_bytes(size) + PAGE_SIZE - 1) / PAGE_SIZE;
    size_t private = (size * sizeof(struct virtio_shadow) + PAGE_SIZE - 1) / PAGE_SIZE;
    char *memory = page_alloc_n(shared + private);
    if (memory == NULL) {
        return -ENOMEM;
    }
    memset(memory, 0, (shared + private) * PAGE_SIZE);
    q->memory = memory;
    q->npages = shared + private;
    virtio_ring_init(&q->ring, size, memory, (void *)(memory + shared * PAGE_SIZE), event_idx);
    return 0;
}

int virtio_queue_open(struct virtio_device *dev, struct virtio_queue *q, unsigned index,
                      unsigned max_size, void (*handler)(void *arg), void *arg)
{
    if (dev->nqueues == VIRTIO_MAX_QUEUES) {
        return -ENOENT;
    }
    unsigned size = dev->transport->queue_max(dev, index);
    if (size == 0) {
        return -ENOENT;
    }
    unsigned limit = max_size < size ? max_size : size;
    for (size = 1; size * 2 <= limit && size * 2 <= VIRTIO_RING_MAX;) {
        size *= 2;
    }
    *q = (struct virtio_queue){
        .dev = dev, .index = (uint16_t)index, .handler = handler, .arg = arg
    };
    int err = alloc_ring(q, size, virtio_has(dev, VIRTIO_F_EVENT_IDX));
    if (err < 0) {
        return err;
    }
    err = dev->transport->queue_start(dev, q);
    if (err < 0) {
        page_free_n(q->memory, q->npages);
        q->memory = NULL;
        return err;
    }
    dev->queue[dev->nqueues++] = q;
    return 0;
}

int virtio_start(struct virtio_device *dev)
{
    int err = dev->transport->listen(dev);
    if (err < 0) {
        return err;
    }
    dev->transport->set_status(dev, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER |
                                        VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK);
    return 0;
}

void virtio_fail(struct virtio_device *dev, const char *why)
{
    if (dev->failed) {
        return;
    }
    dev->failed = true;
    klog(LOG_ERROR, "%s: given up: %s", dev->name, why);
    dev->transport->silence(dev);
    if (reset(dev) < 0) {
        klog(LOG_ERROR, "%s: does not end its reset", dev->name);
    }
}

void virtio_close(struct virtio_device *dev)
{
    if (!dev->opened) {
        return;
    }
    dev->transport->silence(dev);
    bool quiet = reset(dev) == 0;
    /*
     * A device that goes on running keeps its rings: better lost memory than somebody else's
     * overwritten.
     */
    for (unsigned i = 0; quiet && i < dev->nqueues; i++) {
        page_free_n(dev->queue[i]->memory, dev->queue[i]->npages);
    }
    dev->nqueues = 0;
}

void virtio_config(struct virtio_device *dev, unsigned off, void *buf, unsigned len)
{
    uint8_t before = dev->transport->generation(dev);
    for (unsigned i = 0; i < MAX_GENERATIONS; i++) {
        dev->transport->config(dev, off, buf, len);
        uint8_t after = dev->transport->generation(dev);
        if (after == before) {
            return;
        }
        before = after;
    }
    /*
     * It changes all the time: the last reading has to do, and its user checks it like any other.
     */
}

bool virtio_needs_reset(struct virtio_device *dev)
{
    return (dev->transport->status(dev) & VIRTIO_STATUS_NEEDS_RESET) != 0;
}
