/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtio devices of the machine, found once on all buses, and given to drivers by kind. */
#include <kvm/virtio_bus.h>

#include <pith/log.h>
#include <pith/spinlock.h>
#include <pith/waitq.h>

#define MAX_DEVICES 32

static struct virtio_device devices[MAX_DEVICES];
static unsigned ndevices;
static bool scanned;

/*
 * Who probes has all of the above for himself, and with it the transports' set-up. He may sleep and
 * allocate, so it is no spin lock; the others wait for their turn.
 */
static struct spinlock lock = SPINLOCK_INIT; /* of the two below */
static struct waitq turn = WAITQ_INIT(turn);
static bool probing;

struct virtio_device *virtio_bus_add(const struct virtio_transport *transport, uint16_t id)
{
    static bool told;
    if (ndevices == MAX_DEVICES) {
        if (!told) {
            klog(LOG_WARNING, "virtio: more than %d devices, the rest is left out", MAX_DEVICES);
            told = true;
        }
        return NULL;
    }
    struct virtio_device *dev = &devices[ndevices++];
    dev->transport = transport;
    dev->id = id;
    return dev;
}

void virtio_bus_dispatch(struct virtio_device *dev)
{
    for (unsigned i = 0; i < dev->nqueues; i++) {
        dev->queue[i]->handler(dev->queue[i]->arg);
    }
}

static void begin(void)
{
    bool was = spin_lock(&lock);
    while (probing) {
        waitq_wait(&turn, &lock, UINT64_MAX);
    }
    probing = true;
    spin_unlock(&lock, was);
}

static void end(void)
{
    bool was = spin_lock(&lock);
    probing = false;
    waitq_wake_one(&turn);
    spin_unlock(&lock, was);
}

int virtio_probe(uint16_t id, int (*attach)(struct virtio_device *dev))
{
    int n = 0;
    begin();
    /* Each class probes once, and the first of them scans. */
    if (!scanned) {
        virtio_mmio_scan();
        virtio_pci_scan();
        scanned = true;
    }
    for (unsigned i = 0; i < ndevices; i++) {
        if (devices[i].id == id && !devices[i].taken && attach(&devices[i]) == 0) {
            devices[i].taken = true;
            n++;
        }
    }
    end();
    return n;
}
