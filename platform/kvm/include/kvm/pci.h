/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI configuration space of segment 0, by ECAM or by ports.
 *
 * A function is named by its bdf: bus << 8 | device << 3 | function.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <x86/mem.h>

#define PCI_VENDOR_ID      0x00
#define PCI_DEVICE_ID      0x02
#define PCI_COMMAND        0x04
#define PCI_STATUS         0x06
#define PCI_REVISION       0x08
#define PCI_HEADER_TYPE    0x0e
#define PCI_BAR0           0x10
#define PCI_BARS           6
#define PCI_SECONDARY_BUS  0x19
#define PCI_SUBSYSTEM_ID   0x2e
#define PCI_CAPABILITIES   0x34
#define PCI_INTERRUPT_LINE 0x3c
#define PCI_INTERRUPT_PIN  0x3d

#define PCI_COMMAND_IO       0x001
#define PCI_COMMAND_MEMORY   0x002
#define PCI_COMMAND_MASTER   0x004
#define PCI_COMMAND_INTX_OFF 0x400
#define PCI_STATUS_CAPS      0x010

#define PCI_CAP_VENDOR 0x09
#define PCI_CAP_MSIX   0x11

/* Has the machine the port mechanism (every PC has; a microvm has not)? */
bool pci_present(void);

/* Offsets are below 256 and aligned to the width. Context: any. */
uint8_t pci_read8(uint16_t bdf, unsigned off);
uint16_t pci_read16(uint16_t bdf, unsigned off);
uint32_t pci_read32(uint16_t bdf, unsigned off);
void pci_write16(uint16_t bdf, unsigned off, uint16_t v);
void pci_write32(uint16_t bdf, unsigned off, uint32_t v);

/* Call fn for every function that answers, behind bridges too. Context: thread. */
void pci_scan(void (*fn)(uint16_t bdf));

/*
 * The next capability `id` behind `after` (0: the first one); 0 when there is no more. A chain that
 * leaves configuration space or goes round ends there.
 */
unsigned pci_find_cap(uint16_t bdf, uint8_t id, unsigned after);

/*
 * The memory BAR `bar` (0..5): where it lies and how long it is. One that the firmware has left
 * without an address gets one. Errors: -ENOENT no memory BAR, -ENOSPC no address left. Context:
 * thread.
 */
int pci_bar(uint16_t bdf, unsigned bar, paddr_t *base, uint64_t *len);
