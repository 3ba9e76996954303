/*
 * sources: platform/kvm/virtio_blk.c platform/kvm/virtio_blk_probe.c
 * platform/kvm/virtio_blk_request.c platform/kvm/virtio_blk_watch.c platform/kvm/virtio.c
 * platform/kvm/virtio_ring.c libos/core/blkdev_driver.c
 */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block driver against a disk in memory, over a made-up transport: memory that is contiguous
 * and memory that is not, devices of different limits, and devices that break the rules.
 */
#include <errno.h>

#include "virtio_disk.h"

#include "blk_requests.h"

static int one(enum blk_op op, uint64_t sector, void *buf, size_t len, unsigned nsegments)
{
    struct blk_request *r = prepare(0, op, sector, buf, len, nsegments, 1);
    int n = disk->ops->submit(disk, &r, 1);
    if (n != 1) {
        return n;
    }
    run_device();
    EXPECT(requests[0].calls == 1);
    return r->status;
}

/* Random reads and writes, many at once, compared with a copy; any alignment of the buffers. */
static void exercise(unsigned rounds)
{
    static uint8_t copy[SECTORS * 512];
    size_t most = disk->max_bytes < 65536 ? disk->max_bytes : 65536;
    unsigned nblocks = (unsigned)(most / disk->block_size);
    uint8_t *bufs[16];
    unsigned per_block = disk->block_size / 512;
    memcpy(copy, hw.data, sizeof copy);
    for (unsigned round = 0; round < rounds; round++) {
        struct blk_request *list[16];
        unsigned n = 1 + (unsigned)(unit_random(&seed) % 16);
        size_t lens[16];
        for (unsigned i = 0; i < n; i++) {
            /* Each in a region of its own, so that the order does not matter. */
            size_t region = SECTORS / 16 * 512;
            lens[i] = (1 + unit_random(&seed) % nblocks) * disk->block_size;
            lens[i] = lens[i] < region ? lens[i] : region;
            uint64_t room = (region - lens[i]) / disk->block_size + 1;
            uint64_t sector = i * region / 512 + unit_random(&seed) % room * per_block;
            bufs[i] = malloc(lens[i] + 64);
            uint8_t *p = bufs[i] + unit_random(&seed) % 64;
            bool write = unit_random(&seed) & 1;
            unsigned segs = 1 + (unsigned)(unit_random(&seed) %
                                           (disk->max_segments < 16 ? disk->max_segments : 16));
            if (write) {
                for (size_t k = 0; k < lens[i]; k++) {
                    p[k] = (uint8_t)unit_random(&seed);
                }
                memcpy(copy + sector * 512, p, lens[i]);
            }
            list[i] = prepare(i, write ? BLK_WRITE : BLK_READ, sector, p, lens[i], segs, 1);
        }
        unsigned given = 0;
        while (given < n) {
            int taken = disk->ops->submit(disk, list + given, n - given);
            EXPECT(taken >= 0);
            if (taken < 0) {
                return;
            }
            given += (unsigned)taken;
            run_device();
        }
        for (unsigned i = 0; i < n; i++) {
            EXPECT(requests[i].calls == 1 && requests[i].req.status == 0);
            if (requests[i].req.op == BLK_READ) {
                uint8_t *p = requests[i].seg[0].base;
                EXPECT(memcmp(p, copy + requests[i].req.sector * 512, lens[i]) == 0);
            }
            free(bufs[i]);
        }
    }
    EXPECT(memcmp(copy, hw.data, sizeof copy) == 0);
    EXPECT(errors_logged == 0 && warnings_logged == 0);
}

static void test_sound_devices(void)
{
    static const struct {
        uint32_t seg_max, size_max, blk_size, queue_max;
        uint64_t without;
    } kinds[] = {
        { 254, 0, 512, 256, 0 },
        { 126, 0, 512, 128, VIRTIO_F_EVENT_IDX },
        { 254, 0, 4096, 1024, 0 },
        { 126, 0, 512, 128, VIRTIO_F_INDIRECT_DESC },
        { 2, 0, 512, 256, 0 },
        { 4, 8192, 512, 64, 0 },
        { 254, 512, 512, 256, 0 },
        { 0, 0, 512, 256, 1 << 2 | 1 << 6 },                              /* Firecracker */
        { 0, 0, 512, 4, 1 << 2 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX }, /* the least */
    };
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (int s = 0; s < 2; s++) {
            reset_hw();
            hw.seg_max = kinds[i].seg_max;
            hw.size_max = kinds[i].size_max;
            hw.features |= hw.size_max ? 1 << 1 : 0;
            hw.blk_size = kinds[i].blk_size;
            hw.queue_max = kinds[i].queue_max;
            hw.features &= ~kinds[i].without;
            EXPECT(probe_disk() == 1 && disk != NULL);
            if (disk == NULL) {
                continue;
            }
            EXPECT(disk->nsectors == SECTORS && disk->has_flush && !disk->readonly);
            EXPECT(disk->max_bytes >= 512 && disk->max_segments >= 1);
            scattered = s;
            exercise(150);
            EXPECT(hw.pieces_most <= (hw.seg_max ? hw.seg_max : 1));
            EXPECT(one(BLK_FLUSH, 0, NULL, 0, 0) == 0 && hw.flushes == 1);
            EXPECT(strcmp(disk->serial, "serial-number-of-20b") == 0);
            scattered = false;
        }
    }
}

static void test_refusals(void)
{
    uint8_t *buf = calloc(1, 8192);
    reset_hw();
    hw.blk_size = 4096;
    probe_disk();
    EXPECT(one(BLK_READ, 0, buf, 512, 1) == -EINVAL);
    EXPECT(one(BLK_READ, 1, buf, 4096, 1) == -EINVAL);
    EXPECT(one(BLK_READ, SECTORS, buf, 4096, 1) == -EINVAL);
    EXPECT(one(BLK_READ, UINT64_MAX - 7, buf, 4096, 1) == -EINVAL);
    EXPECT(one(BLK_READ, 0, buf, 0, 1) == -EINVAL);
    EXPECT(one(BLK_READ, SECTORS - 8, buf, 4096, 1) == 0);
    EXPECT(one((enum blk_op)9, 0, buf, 4096, 1) == -EINVAL);
    /* Smaller than the driver was told: the device says so. */
    hw.capacity = 8;
    EXPECT(one(BLK_READ, 8, buf, 4096, 1) == -EIO);
    irq_save();
    device.on_config(device.arg);
    irq_unmask();
    EXPECT(disk->nsectors == 8 && one(BLK_READ, 8, buf, 4096, 1) == -EINVAL);
    EXPECT(errors_logged == 0 && !disk->failed);

    reset_hw();
    hw.features |= 1 << 5;
    hw.features &= ~(1ULL << 9);
    probe_disk();
    EXPECT(disk->readonly && one(BLK_WRITE, 0, buf, 512, 1) == -EROFS);
    EXPECT(one(BLK_FLUSH, 0, NULL, 0, 0) == 0 && hw.flushes == 0);

    long before = pages_out;
    reset_hw();
    hw.features &= ~VIRTIO_F_VERSION_1;
    EXPECT(probe_disk() == 0 && disk == NULL);
    reset_hw();
    hw.blk_size = 1000;
    EXPECT(probe_disk() == 0);
    reset_hw();
    hw.queue_max = 0;
    EXPECT(probe_disk() == 0);
    EXPECT(pages_out == before);
    free(buf);
}

static int discard_sectors(uint64_t sector, uint64_t nsectors)
{
    struct blk_request *r = prepare(0, BLK_DISCARD, sector, NULL, 0, 0, 1);
    r->nsectors = nsectors;
    EXPECT(disk->ops->submit(disk, &r, 1) == 1);
    run_device();
    EXPECT(requests[0].calls == 1);
    return r->status;
}

static void test_discard(void)
{
    static const uint64_t without[] = { 0, VIRTIO_F_INDIRECT_DESC };
    for (unsigned i = 0; i < 2; i++) {
        reset_hw();
        hw.features |= 1 << 13;
        hw.features &= ~without[i];
        hw.blk_size = 1024;
        hw.discard_most = 101;
        hw.discard_alignment = 8;
        probe_disk();
        EXPECT(disk->has_discard && disk->max_discard == 100 && disk->discard_granularity == 4096);
        exercise(20);
        memset(hw.data, 0xaa, sizeof hw.data);
        EXPECT(discard_sectors(4, 100) == 0 && hw.discards == 1);
        EXPECT(hw.data[4 * 512 - 1] == 0xaa && hw.data[4 * 512] == 0);
        EXPECT(hw.data[104 * 512 - 1] == 0 && hw.data[104 * 512] == 0xaa);
        EXPECT(discard_sectors(4, 102) == -EINVAL && discard_sectors(4, 0) == -EINVAL);
        EXPECT(discard_sectors(3, 2) == -EINVAL && discard_sectors(4, 3) == -EINVAL);
        EXPECT(discard_sectors(SECTORS, 2) == -EINVAL && discard_sectors(SECTORS - 2, 4) == -EINVAL);
        EXPECT(hw.discards == 1);
        hw.capacity = 8; /* the driver doesn't know yet */
        EXPECT(discard_sectors(8, 2) == -EIO && !disk->failed);
    }
    /* Offers that are none. */
    reset_hw();
    hw.features |= 1 << 13;
    hw.discard_alignment = UINT32_MAX;
    probe_disk();
    EXPECT(!disk->has_discard && discard_sectors(0, 8) == -ENOTSUP);
    hw.discard_most = UINT32_MAX;
    probe_disk();
    EXPECT(disk->has_discard && disk->max_discard == UINT32_MAX && disk->discard_granularity == UINT32_MAX);
    hw.features |= 1 << 5;
    probe_disk();
    EXPECT(disk->readonly && !disk->has_discard);
}

/*
 * Each kind of wrong costs one error line and -EIO for what was out, and later requests are
 * refused.
 */
static void test_mischief(void)
{
    uint8_t *buf = malloc(65536);
    for (unsigned m = SILENT; m < MISCHIEFS; m++) {
        bool gone = m != BAD_STATUS && m != NO_STATUS;
        struct blk_request *list[8];
        reset_hw();
        EXPECT(probe_disk() == 1);
        hw.mischief = m;
        for (unsigned i = 0; i < 8; i++) {
            list[i] = prepare(i, BLK_READ, i * 8, buf + 4096 * i, 4096, 1, 1);
        }
        EXPECT(disk->ops->submit(disk, list, 8) == 8);
        run_device();
        if (m == SILENT) {
            pass(4000000000ULL);
            EXPECT(errors_logged == 0 && requests[0].calls == 0);
            pass(3000000000ULL);
        }
        unsigned failed = 0;
        for (unsigned i = 0; i < 8; i++) {
            EXPECT(requests[i].calls == 1);
            failed += requests[i].req.status == -EIO;
        }
        EXPECT(failed == 8);
        EXPECT(disk->failed == gone && errors_logged == gone && warnings_logged == !gone);
        EXPECT((hw.resets == 2) == gone);
        hw.mischief = HONEST;
        EXPECT(one(BLK_READ, 0, buf, 512, 1) == (gone ? -EIO : 0));
        pass(60000000000ULL);
        EXPECT(errors_logged == gone);
    }
    /* A device that does not even end its reset: said, and the machine goes on. */
    reset_hw();
    probe_disk();
    hw.mischief = BAD_ID;
    hw.never_resets = true;
    EXPECT(one(BLK_READ, 0, buf, 512, 1) == -EIO && errors_logged == 2);
    free(buf);
}

/* An interrupt that did not come is noticed by the watchdog, and a notification is repeated. */
static void test_lost_interrupt(void)
{
    uint8_t *buf = malloc(512);
    reset_hw();
    probe_disk();
    struct blk_request *r = prepare(0, BLK_READ, 0, buf, 512, 1, 1);
    EXPECT(disk->ops->submit(disk, &r, 1) == 1);
    int head = model_next(&model);
    uint32_t written = execute((unsigned)head);
    model_put_used(&model, (uint32_t)head, written);
    EXPECT(requests[0].calls == 0);
    pass(1050000000ULL);
    EXPECT(requests[0].calls == 0 && warnings_logged == 0); /* it may be on its way */
    pass(100000000ULL);
    EXPECT(requests[0].calls == 1 && r->status == 0 && warnings_logged == 1 && !disk->failed);
    /* From now on it is polled. */
    r = prepare(0, BLK_READ, 0, buf, 512, 1, 1);
    EXPECT(disk->ops->submit(disk, &r, 1) == 1);
    head = model_next(&model);
    model_put_used(&model, (uint32_t)head, execute((unsigned)head));
    pass(2000000ULL);
    EXPECT(requests[0].calls == 1 && r->status == 0 && warnings_logged == 1);
    free(buf);
}

/* Without memory for long tables big requests still go on, one after the other. */
static void test_no_memory(void)
{
    uint8_t *buf = calloc(1, 2 * 65536);
    struct blk_request *list[2];
    reset_hw();
    probe_disk();
    scattered = true;
    no_pages = true;
    list[0] = prepare(0, BLK_READ, 0, buf, 65536, 1, 1);
    list[1] = prepare(1, BLK_READ, 0, buf + 65536, 65536, 1, 1);
    EXPECT(disk->ops->submit(disk, list, 2) == 1);
    run_device();
    EXPECT(requests[0].calls == 1 && list[0]->status == 0);
    EXPECT(disk->ops->submit(disk, list + 1, 1) == 1);
    run_device();
    EXPECT(requests[1].calls == 1 && list[1]->status == 0);
    no_pages = false;
    scattered = false;
    free(buf);
}

int main(void)
{
    fake_cpu_init();
    test_sound_devices();
    test_refusals();
    test_discard();
    test_mischief();
    test_lost_interrupt();
    test_no_memory();
    return unit_done();
}
