/* SPDX-License-Identifier: BSD-2-Clause */
/* How the transports enter the devices that they find (see virtio_bus.c). */
#pragma once

#include <kvm/virtio.h>

/* A new entry to fill in, or NULL when the table is full, which is logged once. */
struct virtio_device *virtio_bus_add(const struct virtio_transport *transport, uint16_t id);

/* Find the devices of a bus and add them. Context: thread. */
void virtio_mmio_scan(void);
void virtio_pci_scan(void);

/* Call every queue's handler, for interrupts that don't tell which. Context: interrupt. */
void virtio_bus_dispatch(struct virtio_device *dev);
