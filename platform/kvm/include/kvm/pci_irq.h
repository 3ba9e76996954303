/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts of PCI functions: MSI-X where they have it, otherwise a shared wire. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <x86/irq.h>

/* A function's MSI-X table. */
struct pci_msix {
    uint16_t bdf;
    uint8_t cap;
    volatile uint8_t *table;
    unsigned entries;
    unsigned used;
};

/*
 * Map the table, mask all entries, turn MSI-X on. Errors: -ENOENT it has none or an unsound one.
 * Context: thread.
 */
int pci_msix_open(struct pci_msix *m, uint16_t bdf);

/*
 * Send the next free entry's interrupts to handler(arg) at the boot CPU. Returns the entry's number
 * or -ENOSPC. Context: thread.
 */
int pci_msix_add(struct pci_msix *m, enum irq_class irq_class, irq_handler *handler, void *arg);

/* No interrupt from any entry any more. Context: any. */
void pci_msix_mask(struct pci_msix *m);

/*
 * Handles a wire's interrupt and tells whether its device was the cause. Context: interrupt,
 * masked.
 */
typedef bool pci_intx_handler(void *arg);

/*
 * Call handler(arg) at the interrupts of the function's wire, which others may share. Errors:
 * -ENXIO no usable wire, -ENOSPC. Context: thread.
 */
int pci_intx_add(uint16_t bdf, pci_intx_handler *handler, void *arg);

/* Let the function drive its wire no more. Context: any. */
void pci_intx_mask(uint16_t bdf);
