/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the block driver's test runs on: a made-up machine (pages, time, one timer) and a disk in
 * memory behind a made-up transport, which can be told to misbehave. Included once.
 */
#pragma once

#include <kvm/virtio.h>
#include <pith/blkdev.h>
#include <pith/cmdline.h>
#include <pith/timer.h>
#include <x86/probe.h>

#include "unit.h"

#include "fake_cpu.h"
#include "virtio_machine.h"
#include "virtio_model.h"

#define SECTORS 4096u

/* ---- the machine ---- */

static uint64_t seed = 0xb10c;
static struct timer *armed;
static uint64_t armed_ns;
static struct blkdev *disk;

uint64_t cmdline_get_u64(const char *name, uint64_t fallback)
{
    return strcmp(name, "blk.timeout") == 0 ? 5 : fallback;
}

void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
    *t = (struct timer){ .fn = fn };
}

void timer_arm(struct timer *t, uint64_t deadline_ns)
{
    t->cpu = &fake_percpu;
    armed = t;
    armed_ns = deadline_ns;
}

/* Let the time go on by ns, timers included. */
static void pass(uint64_t ns)
{
    uint64_t until = now_ns + ns;
    while (armed != NULL && armed_ns <= until) {
        struct timer *t = armed;
        now_ns = now_ns > armed_ns ? now_ns : armed_ns;
        armed = NULL;
        t->cpu = NULL;
        irq_save();
        t->fn(t);
        irq_unmask();
    }
    now_ns = until;
}

void blkdev_attach(struct blkdev *dev)
{
    disk = dev;
}

/* ---- the device ---- */

enum mischief {
    HONEST, SILENT, BAD_STATUS, NO_STATUS, BAD_ID, BAD_INDEX, TWICE, TOO_LONG, ASKS_RESET, MISCHIEFS
};

static struct {
    uint64_t features;
    uint32_t seg_max, size_max, blk_size, discard_most, discard_alignment;
    uint64_t capacity;
    unsigned queue_max;
    uint8_t status;
    bool never_resets;
    enum mischief mischief;
    unsigned resets, flushes, discards, pieces_most, requests;
    uint32_t doorbell;
    uint8_t data[SECTORS * 512];
} hw;

static struct virtio_device device;
static struct model_ring model;

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
    return hw.never_resets && hw.resets > 1 ? 4 : hw.status;
}

static void hw_set_status(struct virtio_device *dev, uint8_t status)
{
    (void)dev;
    hw.resets += status == 0;
    hw.status = status;
}

static uint8_t hw_generation(struct virtio_device *dev)
{
    (void)dev;
    return 0;
}

static void hw_config(struct virtio_device *dev, unsigned off, void *buf, unsigned len)
{
    uint8_t c[64] = { 0 };
    (void)dev;
    memcpy(c, &hw.capacity, 8);
    memcpy(c + 8, &hw.size_max, 4);
    memcpy(c + 12, &hw.seg_max, 4);
    memcpy(c + 20, &hw.blk_size, 4);
    memcpy(c + 36, &hw.discard_most, 4);
    memcpy(c + 44, &hw.discard_alignment, 4);
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
    return index == 0 ? (uint16_t)hw.queue_max : 0;
}

static int hw_queue_start(struct virtio_device *dev, struct virtio_queue *q)
{
    model_init(&model, q->ring.size, q->memory, virtio_has(dev, VIRTIO_F_EVENT_IDX));
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

/* The data of a discard is what it is about; returns the status. */
static uint8_t discard(uint64_t header_sector, const struct model_desc *d, unsigned n)
{
    struct {
        uint64_t sector;
        uint32_t sectors, flags;
    } range;
    EXPECT(header_sector == 0 && n == 1 && d->len == sizeof range && (d->flags & 2) == 0);
    memcpy(&range, from_paddr(d->addr), sizeof range);
    EXPECT(range.flags == 0 && range.sectors > 0 && range.sectors <= hw.discard_most);
    if (range.sector > hw.capacity || range.sectors > hw.capacity - range.sector) {
        return 1;
    }
    memset(hw.data + range.sector * 512, 0, range.sectors * 512);
    hw.discards++;
    return 0;
}

/* Carry out one chain as 5.2.6 says; returns the bytes written. */
static uint32_t execute(unsigned head)
{
    static struct model_desc d[1100];
    unsigned n = model_chain(&model, head, d, 1100);
    struct {
        uint32_t type, reserved;
        uint64_t sector;
    } header;
    EXPECT(n >= 2 && n <= model.size && d[0].len == 16 && (d[0].flags & 2) == 0);
    EXPECT(d[n - 1].len == 1 && (d[n - 1].flags & 2) != 0);
    memcpy(&header, from_paddr(d[0].addr), 16);
    uint64_t at = header.sector * 512;
    uint32_t written = 1;
    uint8_t *status = from_paddr(d[n - 1].addr);
    if (n - 2 > hw.pieces_most) {
        hw.pieces_most = n - 2;
    }
    hw.requests++;
    *status = 0;
    if (header.type == 11) {
        *status = discard(header.sector, d + 1, n - 2);
        n = 2;
    }
    for (unsigned i = 1; i + 1 < n; i++) {
        void *p = from_paddr(d[i].addr);
        if (header.type == 8) {
            memcpy(p, "serial-number-of-20b", 20);
            return 21;
        }
        EXPECT(((d[i].flags & 2) != 0) == (header.type == 0));
        EXPECT(hw.size_max == 0 || d[i].len <= hw.size_max);
        if (at + d[i].len > hw.capacity * 512) {
            *status = 1;
            return 1;
        }
        if (header.type == 0) {
            memcpy(p, hw.data + at, d[i].len);
            written += d[i].len;
        } else {
            memcpy(hw.data + at, p, d[i].len);
        }
        at += d[i].len;
    }
    EXPECT(header.type == 0 || header.type == 1 || header.type == 4 || header.type == 11);
    hw.flushes += header.type == 4;
    if (hw.mischief == BAD_STATUS) {
        *status = 77;
    } else if (hw.mischief == NO_STATUS) {
        *status = 0xff;
    }
    return written;
}

/* Let the device work off what it was given, in random order, and raise its interrupt. */
static void run_device(void)
{
    unsigned held[VIRTIO_RING_MAX], n = 0;
    uint16_t old = model.done;
    int head;
    while ((head = model_next(&model)) >= 0) {
        held[n++] = (unsigned)head;
    }
    if (hw.mischief == SILENT || hw.status == 0) {
        return;
    }
    while (n > 0) {
        unsigned k = (unsigned)(unit_random(&seed) % n);
        uint32_t id = held[k], written = execute(held[k]);
        held[k] = held[--n];
        switch (hw.mischief) {
        case BAD_ID:
            id = 0xffff;
            break;
        case TOO_LONG:
            written += 0x100000;
            break;
        case TWICE:
            model_put_used(&model, id, written);
            break;
        case BAD_INDEX:
            model.done = (uint16_t)(model.done + 1000);
            break;
        default:
            break;
        }
        model_put_used(&model, id, written);
    }
    if (hw.mischief == ASKS_RESET) {
        hw.status |= VIRTIO_STATUS_NEEDS_RESET;
        irq_save();
        device.on_config(device.arg);
        irq_unmask();
    }
    if (model_wants_interrupt(&model, old)) {
        irq_save();
        device.queue[0]->handler(device.queue[0]->arg);
        irq_unmask();
    }
}

int virtio_probe(uint16_t id, int (*attach)(struct virtio_device *dev))
{
    EXPECT(id == VIRTIO_ID_BLOCK);
    return attach(&device) == 0;
}

/* The serial number is waited for while probing; the device answers from inside of the wait. */
static int probe_disk(void)
{
    device = (struct virtio_device){ .transport = &transport, .id = VIRTIO_ID_BLOCK };
    strcpy(device.name, "test");
    hw.status = 0;
    hw.resets = hw.flushes = hw.discards = hw.pieces_most = hw.requests = 0;
    disk = NULL;
    int n = virtio_blk_probe();
    if (n == 1) {
        run_device(); /* the answer came too late for serial[] at attachment, which is no fault */
    }
    errors_logged = warnings_logged = 0;
    return n;
}

static void reset_hw(void)
{
    memset(&hw, 0, sizeof hw);
    hw.features = VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX;
    hw.features |= 1 << 2 | 1 << 6 | 1 << 9;
    hw.seg_max = 254;
    hw.blk_size = 512;
    hw.capacity = SECTORS;
    hw.queue_max = 256;
}
