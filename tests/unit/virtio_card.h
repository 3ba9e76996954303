/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the network driver's test runs on: a made-up machine (pages, time) and a card in memory
 * behind a made-up transport; written from virtio 1.2, 5.1. Included once.
 */
#pragma once

#include <kvm/virtio.h>
#include <pith/cmdline.h>
#include <pith/machine.h>
#include <pith/netdev.h>
#include <x86/probe.h>

#include "unit.h"

#include "fake_cpu.h"
#include "virtio_machine.h"
#include "virtio_model.h"

/* ---- the machine ---- */

static uint64_t seed = 0xe7e7;
static size_t ram = 64 << 20;
static struct netdev *card;

uint64_t cmdline_get_u64(const char *name, uint64_t fallback)
{
    (void)name;
    return fallback;
}

const struct boot_info *machine_boot_info(void)
{
    static struct boot_info info;
    info.ram_total = ram;
    return &info;
}

void netdev_attach(struct netdev *dev)
{
    card = dev;
}

/* ---- the card ---- */

struct model_header {
    uint8_t flags, gso_type;
    uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};

static struct {
    uint64_t features;
    unsigned queue_max;
    uint8_t status, mac[6];
    uint16_t link, mtu;
    uint32_t doorbell;
} hw;

static struct virtio_device device;
static struct model_ring rings[2];

static uint64_t hw_features(struct virtio_device *dev)
{
    (void)dev;
    return hw.features;
}

static void hw_accept(struct virtio_device *dev, uint64_t features)
{
    (void)dev;
    EXPECT((features & ~hw.features) == 0);
}

static uint8_t hw_status(struct virtio_device *dev)
{
    (void)dev;
    return hw.status;
}

static void hw_set_status(struct virtio_device *dev, uint8_t status)
{
    (void)dev;
    hw.status = status;
}

static uint8_t hw_generation(struct virtio_device *dev)
{
    (void)dev;
    return 0;
}

static void hw_config(struct virtio_device *dev, unsigned off, void *buf, unsigned len)
{
    uint8_t c[32] = { 0 };
    (void)dev;
    memcpy(c, hw.mac, 6);
    memcpy(c + 6, &hw.link, 2);
    memcpy(c + 10, &hw.mtu, 2);
    memcpy(buf, c + off, len);
}

static int hw_nothing(struct virtio_device *dev)
{
    (void)dev;
    return 0;
}

static uint16_t hw_queue_max(struct virtio_device *dev, unsigned index)
{
    (void)dev;
    return index < 2 ? (uint16_t)hw.queue_max : 0;
}

static int hw_queue_start(struct virtio_device *dev, struct virtio_queue *q)
{
    model_init(&rings[q->index], q->ring.size, q->memory, virtio_has(dev, VIRTIO_F_EVENT_IDX));
    q->doorbell = &hw.doorbell;
    q->doorbell_32 = true;
    return 0;
}

static void hw_silence(struct virtio_device *dev)
{
    (void)dev;
}

static const struct virtio_transport transport = {
    hw_features, hw_accept, hw_status, hw_set_status, hw_generation,
    hw_config, hw_nothing, hw_nothing, hw_queue_max, hw_queue_start, hw_silence
};

static void interrupt(unsigned queue, uint16_t old)
{
    if (model_wants_interrupt(&rings[queue], old)) {
        irq_save();
        device.queue[queue]->handler(device.queue[queue]->arg);
        irq_unmask();
    }
}

/* Put a frame into `parts` buffers; false when there are not enough of them. */
static bool card_deliver(const uint8_t *frame, uint32_t len, unsigned parts,
                         const struct model_header *h)
{
    struct model_ring *m = &rings[0];
    uint16_t old = m->done, seen = m->seen;
    int head[8];
    for (unsigned i = 0; i < parts; i++) {
        head[i] = model_next(m);
        if (head[i] < 0) {
            m->seen = seen;
            return false;
        }
    }
    for (unsigned i = 0; i < parts; i++) {
        struct model_desc d[4];
        EXPECT(model_chain(m, (unsigned)head[i], d, 4) == 1 && (d[0].flags & 2) != 0);
        uint8_t *p = from_paddr(d[0].addr);
        uint32_t skip = i == 0 ? 12 : 0, part = i + 1 == parts ? len : len / 2;
        EXPECT(skip + part <= d[0].len);
        if (i == 0) {
            memcpy(p, h, 12);
        }
        memcpy(p + skip, frame, part);
        frame += part;
        len -= part;
        model_put_used(m, (uint32_t)head[i], skip + part);
    }
    interrupt(0, old);
    return true;
}

static unsigned card_pieces; /* of the frame that card_take() has taken */

/* The next frame that the driver sends; returns its length, or -1. The header may be cut anywhere. */
static int card_take(uint8_t *out, struct model_header *h)
{
    static struct model_desc d[200];
    struct model_ring *m = &rings[1];
    uint16_t old = m->done;
    int head = model_next(m);
    if (head < 0) {
        return -1;
    }
    unsigned n = model_chain(m, (unsigned)head, d, 200);
    static uint8_t all[12 + 65536];
    uint32_t len = 0;
    for (unsigned i = 0; i < n; i++) {
        EXPECT((d[i].flags & 2) == 0 && d[i].len > 0);
        memcpy(all + len, from_paddr(d[i].addr), d[i].len);
        len += d[i].len;
    }
    EXPECT(len > 12);
    len -= 12;
    memcpy(h, all, 12);
    memcpy(out, all + 12, len);
    card_pieces = n;
    model_put_used(m, (uint32_t)head, 0);
    interrupt(1, old);
    return (int)len;
}

static void card_link(bool up)
{
    hw.link = up;
    irq_save();
    device.on_config(device.arg);
    irq_unmask();
}

int virtio_probe(uint16_t id, int (*attach)(struct virtio_device *dev))
{
    EXPECT(id == VIRTIO_ID_NET);
    return attach(&device) == 0;
}

static int probe_card(void)
{
    device = (struct virtio_device){ .transport = &transport, .id = VIRTIO_ID_NET };
    strcpy(device.name, "test");
    hw.status = 0;
    card = NULL;
    int n = virtio_net_probe();
    errors_logged = warnings_logged = 0;
    return n;
}

static void reset_hw(void)
{
    memset(&hw, 0, sizeof hw);
    hw.features = VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX;
    hw.features |= 1 << 0 | 1 << 1 | 1 << 3 | 1 << 5 | 1 << 11 | 1 << 12 | 1 << 15 | 1 << 16;
    hw.queue_max = 256;
    hw.link = 1;
    hw.mtu = 1500;
    memcpy(hw.mac, "\x52\x54\x00\x01\x02\x03", 6);
}
