/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt vectors of the monitor platforms (KVM, TCG, Xen PVH) and who handles them.
 *
 * The vector's upper four bits are its priority class (Intel SDM vol 3, "Interrupt Priority").
 */
#pragma once

#include <stdint.h>

#define IRQ_VECTOR_FIRST 0x30
#define IRQ_VECTOR_LAST  0x6f
#define IRQ_VECTORS      (IRQ_VECTOR_LAST - IRQ_VECTOR_FIRST + 1)
#define IRQ_SPURIOUS     0xff

/* Fixed vectors; the others are given out by irq_alloc(). */
#define IRQ_TIMER 0x60
#define IRQ_IPI   0x61
#define IRQ_XEN   0x50 /* Xen PVH: event channel upcall */

enum irq_class {
    IRQ_CLASS_LOW = 0x30,
    IRQ_CLASS_DEVICE = 0x40,
    IRQ_CLASS_HIGH = 0x50,
    IRQ_CLASS_TIMER = 0x60,
};

typedef void irq_handler(void *arg);

/*
 * Take a free vector of that class for handler(arg), which runs masked, acknowledges and wakes.
 * Returns the vector or -ENOSPC. Context: thread.
 */
int irq_alloc(enum irq_class irq_class, irq_handler *handler, void *arg);

/* Set the handler of a fixed vector. */
void irq_set(unsigned vector, irq_handler *handler, void *arg);

/* Give the vector back; its interrupts must have been silenced at the device before. */
void irq_free(unsigned vector);

/* How often the vector came, and how many came without a handler. */
uint64_t irq_count(unsigned vector);
uint64_t irq_unexpected(void);
