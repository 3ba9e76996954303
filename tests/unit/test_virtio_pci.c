/* sources: platform/kvm/virtio_pci_caps.c platform/kvm/pci_caps.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio function's capabilities: sound, damaged, looping. */
#include <kvm/pci.h>
#include <kvm/virtio_pci_caps.h>

#include "unit.h"

static uint8_t config[256];
static unsigned long reads;

uint8_t pci_read8(uint16_t bdf, unsigned off)
{
    (void)bdf;
    reads++;
    EXPECT(off < 256);
    return config[off & 255];
}

uint16_t pci_read16(uint16_t bdf, unsigned off)
{
    return (uint16_t)(pci_read8(bdf, off) | pci_read8(bdf, off + 1) << 8);
}

uint32_t pci_read32(uint16_t bdf, unsigned off)
{
    return pci_read16(bdf, off) | (uint32_t)pci_read16(bdf, off + 2) << 16;
}

/* A capability of virtio at `at`. */
static void cap(unsigned at, unsigned next, unsigned len, unsigned type, unsigned bar,
                uint32_t offset, uint32_t size, uint32_t multiplier)
{
    uint8_t c[20] = { 0x09, (uint8_t)next, (uint8_t)len, (uint8_t)type, (uint8_t)bar };
    memcpy(c + 8, &offset, 4);
    memcpy(c + 12, &size, 4);
    memcpy(c + 16, &multiplier, 4);
    size_t n = len == 20 ? 20 : 16;
    memcpy(config + at, c, at + n > 256 ? 256 - at : n);
}

/* What QEMU's virtio-blk-pci has. */
static void qemu_function(void)
{
    memset(config, 0, sizeof config);
    memcpy(config, "\xf4\x1a\x42\x10", 4);
    config[6] = 0x10;
    config[0x34] = 0x98;
    config[0x98] = 0x11;
    config[0x99] = 0x84;
    cap(0x84, 0x70, 20, 5, 0, 0, 0, 0);
    cap(0x70, 0x60, 20, 2, 4, 0x3000, 0x1000, 4);
    cap(0x60, 0x50, 16, 4, 4, 0x2000, 0x1000, 0);
    cap(0x50, 0x40, 16, 3, 4, 0x1000, 0x1000, 0);
    cap(0x40, 0, 16, 1, 4, 0, 0x1000, 0);
    config[0x40 + 16] = 0x09; /* the multiplier's place of a shorter capability is the next one's */
}

static void test_sound(void)
{
    struct virtio_pci_regs r;
    qemu_function();
    EXPECT(virtio_pci_id(0) == 2);
    EXPECT(virtio_pci_find_caps(0, &r) == 0);
    EXPECT(r.common.bar == 4 && r.common.offset == 0 && r.common.len == 0x1000);
    EXPECT(r.notify.offset == 0x3000 && r.notify_multiplier == 4);
    EXPECT(r.isr.offset == 0x1000 && r.config.offset == 0x2000);
    config[2] = 0x01; /* transitional: the kind is the subsystem's id */
    config[0x2e] = 2;
    EXPECT(virtio_pci_id(0) == 2);
    config[3] = 0x20;
    EXPECT(virtio_pci_id(0) == 0);
    config[0] = 0x86;
    EXPECT(virtio_pci_id(0) == 0);
}

static void test_unsound(void)
{
    struct virtio_pci_regs r;
    qemu_function();
    config[6] = 0; /* says that it has no capabilities */
    EXPECT(virtio_pci_find_caps(0, &r) < 0);
    qemu_function();
    config[0x41] = 0x98; /* a loop */
    reads = 0;
    EXPECT(virtio_pci_find_caps(0, &r) == 0 && reads < 10000);
    qemu_function();
    config[0x34] = 0x20; /* into the header */
    EXPECT(virtio_pci_find_caps(0, &r) < 0);
    qemu_function();
    cap(0x40, 0, 16, 1, 6, 0, 0x1000, 0); /* no such BAR */
    EXPECT(virtio_pci_find_caps(0, &r) < 0);
    cap(0x40, 0, 16, 1, 4, 0, 8, 0); /* too small */
    EXPECT(virtio_pci_find_caps(0, &r) < 0);
    cap(0x40, 0, 16, 1, 4, 0xfffff001, 0x1000, 0); /* wraps */
    EXPECT(virtio_pci_find_caps(0, &r) < 0);
    cap(0x40, 0, 8, 1, 4, 0, 0x1000, 0); /* a capability that is too short */
    EXPECT(virtio_pci_find_caps(0, &r) < 0);
    qemu_function();
    config[0x72] = 16; /* notify without its multiplier */
    EXPECT(virtio_pci_find_caps(0, &r) < 0);
    qemu_function();
    config[0x41] = 0xfc; /* runs over the end of configuration space */
    cap(0xfc, 0, 20, 4, 0, 0, 0, 0);
    EXPECT(virtio_pci_find_caps(0, &r) == 0);
}

static void test_random(void)
{
    uint64_t seed = 77;
    unsigned sound = 0;
    for (unsigned round = 0; round < 30000; round++) {
        struct virtio_pci_regs r;
        qemu_function();
        for (unsigned i = unit_random(&seed) % 6; i > 0; i--) {
            config[unit_random(&seed) % 256] = (uint8_t)unit_random(&seed);
        }
        reads = 0;
        if (virtio_pci_find_caps(0, &r) == 0) {
            sound++;
            EXPECT(r.common.bar <= 5 && r.common.len >= 56 && r.notify.len >= 2 && r.isr.len >= 1);
            EXPECT(r.common.offset + (uint64_t)r.common.len <= UINT32_MAX);
        }
        EXPECT(reads < 50000);
    }
    EXPECT(sound > 1000);
}

int main(void)
{
    test_sound();
    test_unsound();
    test_random();
    return unit_done();
}
