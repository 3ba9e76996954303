/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio PCI function's identity and capabilities, checked before anything is mapped. */
#include <kvm/virtio_pci_caps.h>

#include <errno.h>
#include <stddef.h>

#include <kvm/pci.h>

#define VENDOR_VIRTIO      0x1af4
#define DEVICE_MODERN      0x1040 /* + VIRTIO_ID (4.1.2) */
#define DEVICE_MODERN_LAST 0x107f
#define DEVICE_OLD         0x1000 /* transitional: the subsystem id tells the kind */
#define DEVICE_OLD_LAST    0x103f

/* struct virtio_pci_cap (4.1.4). */
#define CAP_LEN        2
#define CAP_TYPE       3
#define CAP_BAR        4
#define CAP_OFFSET     8
#define CAP_SIZE       12
#define CAP_MULTIPLIER 16
#define CAP_MIN_LEN    16
#define CAP_NOTIFY_LEN 20

#define TYPE_COMMON 1
#define TYPE_NOTIFY 2
#define TYPE_ISR    3
#define TYPE_CONFIG 4

#define COMMON_SIZE 56 /* up to and with queue_device (4.1.4.3) */
#define MAX_CAPS    32

static void take(uint16_t bdf, unsigned cap, struct virtio_pci_part *part, uint32_t min_len)
{
    uint8_t bar = pci_read8(bdf, cap + CAP_BAR);
    uint32_t offset = pci_read32(bdf, cap + CAP_OFFSET);
    uint32_t len = pci_read32(bdf, cap + CAP_SIZE);
    if (part->len != 0 || bar > 5 || len < min_len || offset > UINT32_MAX - len) {
        return;
    }
    part->bar = bar;
    part->offset = offset;
    part->len = len;
}

int virtio_pci_find_caps(uint16_t bdf, struct virtio_pci_regs *out)
{
    *out = (struct virtio_pci_regs){ 0 };
    unsigned cap = 0;
    for (unsigned n = 0; n < MAX_CAPS; n++) {
        cap = pci_find_cap(bdf, PCI_CAP_VENDOR, cap);
        if (cap == 0) {
            break;
        }
        uint8_t cap_len = pci_read8(bdf, cap + CAP_LEN);
        if (cap_len < CAP_MIN_LEN || cap + cap_len > 256) {
            continue;
        }
        switch (pci_read8(bdf, cap + CAP_TYPE)) {
        case TYPE_COMMON:
            take(bdf, cap, &out->common, COMMON_SIZE);
            break;
        case TYPE_NOTIFY:
            if (cap_len >= CAP_NOTIFY_LEN && out->notify.len == 0) {
                take(bdf, cap, &out->notify, 2);
                out->notify_multiplier = pci_read32(bdf, cap + CAP_MULTIPLIER);
            }
            break;
        case TYPE_ISR:
            take(bdf, cap, &out->isr, 1);
            break;
        case TYPE_CONFIG:
            take(bdf, cap, &out->config, 1);
            break;
        default:
            break; /* other kinds of access to the same registers */
        }
    }
    return out->common.len == 0 || out->notify.len == 0 || out->isr.len == 0 ? -ENOENT : 0;
}

uint16_t virtio_pci_id(uint16_t bdf)
{
    if (pci_read16(bdf, PCI_VENDOR_ID) != VENDOR_VIRTIO) {
        return 0;
    }
    uint16_t device = pci_read16(bdf, PCI_DEVICE_ID);
    if (device >= DEVICE_MODERN && device <= DEVICE_MODERN_LAST) {
        return device - DEVICE_MODERN;
    }
    if (device >= DEVICE_OLD && device <= DEVICE_OLD_LAST) {
        return pci_read16(bdf, PCI_SUBSYSTEM_ID);
    }
    return 0;
}
