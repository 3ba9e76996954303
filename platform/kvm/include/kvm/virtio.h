/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio devices (virtio 1.2): what drivers see of one, over the transports.
 *
 * A device is found by virtio_probe(), opened once, and driven by one driver. What it answers is
 * checked; one that misbehaves is given up by virtio_fail() and stays silent afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvm/pci_irq.h>
#include <kvm/virtio_pci_caps.h>
#include <kvm/virtio_ring.h>
#include <x86/cpu.h>

#define VIRTIO_ID_NET     1
#define VIRTIO_ID_BLOCK   2
#define VIRTIO_ID_CONSOLE 3
#define VIRTIO_ID_ENTROPY 4
#define VIRTIO_ID_9P      9

/* Device status (2.1). */
#define VIRTIO_STATUS_ACKNOWLEDGE 1
#define VIRTIO_STATUS_DRIVER      2
#define VIRTIO_STATUS_DRIVER_OK   4
#define VIRTIO_STATUS_FEATURES_OK 8
#define VIRTIO_STATUS_NEEDS_RESET 64
#define VIRTIO_STATUS_FAILED      128

/* Features of all devices (6). */
#define VIRTIO_F_INDIRECT_DESC (1ULL << 28)
#define VIRTIO_F_EVENT_IDX     (1ULL << 29)
#define VIRTIO_F_VERSION_1     (1ULL << 32)
#define VIRTIO_F_ACCESS_PLATFORM (1ULL << 33)

#define VIRTIO_MAX_QUEUES 4

struct virtio_device;

/* One queue of a device; its ring belongs to the driver. */
struct virtio_queue {
    struct virtio_ring ring;
    struct virtio_device *dev;
    uint16_t index;
    bool doorbell_32;          /* MMIO takes 32 bits, PCI 16 */
    volatile void *doorbell;
    void *memory;              /* the ring's pages */
    size_t npages;
    void (*handler)(void *arg); /* interrupt, masked: may come with nothing to do */
    void *arg;
};

/* What a transport can do. Errors are -errno; those without an int can't fail. */
struct virtio_transport {
    uint64_t (*features)(struct virtio_device *dev);
    void (*accept)(struct virtio_device *dev, uint64_t features);
    uint8_t (*status)(struct virtio_device *dev);
    void (*set_status)(struct virtio_device *dev, uint8_t status); /* 0 begins a reset */
    uint8_t (*generation)(struct virtio_device *dev);              /* of the configuration */
    /* Read 1, 2, 4 or 8 bytes of the configuration. */
    void (*config)(struct virtio_device *dev, unsigned off, void *buf, unsigned len);
    int (*open)(struct virtio_device *dev);                        /* map the registers */
    int (*listen)(struct virtio_device *dev);                      /* route the interrupts, once */
    uint16_t (*queue_max)(struct virtio_device *dev, unsigned index);
    int (*queue_start)(struct virtio_device *dev, struct virtio_queue *q); /* tell where it lies */
    /* No more interrupts, and no DMA where that can be said. */
    void (*silence)(struct virtio_device *dev);
};

struct virtio_device {
    const struct virtio_transport *transport;
    char name[24];  /* for the log: "virtio-mmio@feb02e00", "virtio-pci 00:03.0" */
    uint16_t id;    /* VIRTIO_ID_* */
    bool taken;     /* a driver has it */
    bool opened;    /* its registers are mapped */
    bool failed;
    uint64_t features;
    unsigned nqueues;
    struct virtio_queue *queue[VIRTIO_MAX_QUEUES];
    void (*on_config)(void *arg); /* the configuration has changed; interrupt, masked */
    void *arg;
    union {
        struct {
            uint64_t base;
            volatile uint8_t *regs;
            uint32_t gsi;
            bool low;         /* the wire is active low */
            uint32_t useless; /* interrupts in a row that had no cause */
        } mmio;
        struct {
            uint16_t bdf;
            bool msix_on;
            struct pci_msix msix;
            struct virtio_pci_regs regs;
        } pci;
    };
};

/*
 * Call attach for each device of that kind which no driver has; it returns 0 when it takes it.
 * Returns how many.
 */
int virtio_probe(uint16_t id, int (*attach)(struct virtio_device *dev));

/*
 * Reset the device and agree on features: VERSION_1 and those of `wanted` that it offers.
 * Errors: -ENODEV it has no VERSION_1, -EIO it refuses, -ETIMEDOUT the reset does not end. Context:
 * thread.
 */
int virtio_open(struct virtio_device *dev, uint64_t wanted);

/*
 * Set up queue `index` with at most max_size entries (a power of two), whose interrupts call
 * handler(arg). Errors: -ENOENT no such queue, -ENOMEM, -ENOSPC no vector, -EIO. Context: thread,
 * before virtio_start().
 */
int virtio_queue_open(struct virtio_device *dev, struct virtio_queue *q, unsigned index,
                      unsigned max_size, void (*handler)(void *arg), void *arg);

/* Route interrupts and let the device run. Errors: as the interrupt system's. */
int virtio_start(struct virtio_device *dev);

/*
 * Give the device up: one log line, reset, silence. Its memory may be reused afterwards. Waits for
 * the reset 100 ms at most. Context: any.
 */
void virtio_fail(struct virtio_device *dev, const char *why);

/* Undo an open that did not succeed: reset and release the queues' memory. Context: thread. */
void virtio_close(struct virtio_device *dev);

/* Read `len` bytes (1, 2, 4 or 8) of the device's configuration, of one generation. */
void virtio_config(struct virtio_device *dev, unsigned off, void *buf, unsigned len);

/* Has the device asked to be reset? */
bool virtio_needs_reset(struct virtio_device *dev);

static inline bool virtio_has(const struct virtio_device *dev, uint64_t feature)
{
    return (dev->features & feature) != 0;
}

/* Tell the device of what virtio_ring_publish() has shown it. An exit. */
static inline void virtio_notify(struct virtio_queue *q)
{
    if (q->doorbell_32) {
        mmio_write32(q->doorbell, q->index);
    } else {
        mmio_write16(q->doorbell, q->index);
    }
}
