/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a virtio PCI function keeps its registers (virtio 1.2, 4.1.4). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A part of a BAR, as a capability tells it, and where it is mapped. */
struct virtio_pci_part {
    uint8_t bar;
    uint32_t offset;
    uint32_t len; /* 0: not there */
    volatile uint8_t *at;
};

struct virtio_pci_regs {
    struct virtio_pci_part common, notify, isr, config;
    uint32_t notify_multiplier;
};

/*
 * Walk the function's capabilities. The first usable one of each type counts (4.1.4: in order of
 * preference). Errors: -ENOENT common, notify or ISR is missing or too small. Context: thread.
 */
int virtio_pci_find_caps(uint16_t bdf, struct virtio_pci_regs *out);

/*
 * VIRTIO_ID_* of a function, 0 when it isn't a virtio device. Transitional ones count as what they
 * also are.
 */
uint16_t virtio_pci_id(uint16_t bdf);
