/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * I/O APICs: routing of the machine's interrupt wires to vectors of the boot CPU.
 *
 * Source: Intel 82093AA data sheet, "I/O APIC Registers". They are found in the MADT, otherwise
 * where every PC has the first one.
 */
#include <kvm/ioapic.h>

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include <kvm/acpi.h>
#include <pith/log.h>
#include <pith/spinlock.h>
#include <x86/cpu.h>
#include <x86/machine.h>
#include <x86/mem.h>

#define IOAPIC_DEFAULT_BASE 0xfec00000ULL
#define IOAPIC_SIZE         0x20

#define IOAPIC_SELECT 0x00 /* memory: which register the window shows */
#define IOAPIC_WINDOW 0x10
#define REG_VERSION   0x01 /* bits 23..16: number of the last input */
#define REG_ENTRY(n)  (0x10 + 2 * (n))

#define ENTRY_LOW    (1u << 13)
#define ENTRY_LEVEL  (1u << 15)
#define ENTRY_MASKED (1u << 16)
#define ENTRY_DEST_SHIFT 24 /* of the upper half: physical destination */

struct ioapic {
    volatile uint8_t *regs;
    uint32_t gsi_base;
    uint32_t ninputs;
};

static struct ioapic ioapics[ACPI_MAX_IOAPICS];
static unsigned nioapics;
static bool found;

/* Select and window are two accesses, so they are kept together. No other lock is taken inside. */
static struct spinlock lock = SPINLOCK_INIT;

static uint32_t ioapic_read(const struct ioapic *io, uint32_t reg)
{
    mmio_write32(io->regs + IOAPIC_SELECT, reg);
    return mmio_read32(io->regs + IOAPIC_WINDOW);
}

static void ioapic_write(const struct ioapic *io, uint32_t reg, uint32_t v)
{
    mmio_write32(io->regs + IOAPIC_SELECT, reg);
    mmio_write32(io->regs + IOAPIC_WINDOW, v);
}

/* Look at one; false when nothing answers there. */
static bool examine(struct ioapic *io, paddr_t base, uint32_t gsi_base)
{
    io->regs = mem_map_device(base, IOAPIC_SIZE);
    if (io->regs == NULL) {
        return false;
    }
    uint32_t version = ioapic_read(io, REG_VERSION);
    io->gsi_base = gsi_base;
    io->ninputs = (version >> 16 & 0xff) + 1;
    return version != 0 && version != ~0u;
}

/* Find them once. Two threads that do it at the same time store the same values. */
static void find(void)
{
    if (found) {
        return;
    }
    const struct acpi_madt *madt = acpi_madt();
    unsigned n = 0;
    if (madt == NULL || madt->nioapics == 0) {
        n += examine(&ioapics[0], IOAPIC_DEFAULT_BASE, 0);
    } else {
        for (unsigned i = 0; i < madt->nioapics; i++) {
            n += examine(&ioapics[n], madt->ioapic[i].base, madt->ioapic[i].gsi_base);
        }
    }
    nioapics = n;
    found = true;
    for (unsigned i = 0; i < n; i++) {
        klog(LOG_DEBUG, "ioapic: inputs %u to %u", ioapics[i].gsi_base,
             ioapics[i].gsi_base + ioapics[i].ninputs - 1);
    }
}

static const struct ioapic *ioapic_of(unsigned gsi)
{
    find();
    for (unsigned i = 0; i < nioapics; i++) {
        if (gsi >= ioapics[i].gsi_base && gsi - ioapics[i].gsi_base < ioapics[i].ninputs) {
            return &ioapics[i];
        }
    }
    return NULL;
}

int ioapic_route_gsi(unsigned gsi, unsigned vector, bool level, bool low)
{
    const struct ioapic *io = ioapic_of(gsi);
    if (io == NULL) {
        return -ENXIO;
    }
    uint32_t reg = REG_ENTRY(gsi - io->gsi_base);
    uint32_t entry = vector | (level ? ENTRY_LEVEL : 0) | (low ? ENTRY_LOW : 0);
    bool was = spin_lock(&lock);
    ioapic_write(io, reg, ENTRY_MASKED); /* so that no half-written entry is ever in force */
    ioapic_write(io, reg + 1, x86_lapic_id() << ENTRY_DEST_SHIFT);
    ioapic_write(io, reg, entry);
    spin_unlock(&lock, was);
    return 0;
}

int ioapic_route_isa(unsigned irq, unsigned vector)
{
    struct acpi_isa_irq wire = { .gsi = irq, .level = false, .low = false };
    const struct acpi_madt *madt = acpi_madt();
    if (madt != NULL && irq < ACPI_ISA_IRQS) {
        wire = madt->isa[irq];
    }
    return ioapic_route_gsi(wire.gsi, vector, wire.level, wire.low);
}

void ioapic_mask_gsi(unsigned gsi)
{
    const struct ioapic *io = ioapic_of(gsi);
    if (io == NULL) {
        return;
    }
    bool was = spin_lock(&lock);
    ioapic_write(io, REG_ENTRY(gsi - io->gsi_base), ENTRY_MASKED);
    spin_unlock(&lock, was);
}
