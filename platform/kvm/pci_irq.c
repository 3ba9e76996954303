/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI-X (PCI 3.0, 6.8.2) and INTx. Message format: Intel SDM vol 3, "Message Signalled Interrupts".
 */
#include <kvm/pci_irq.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include <kvm/ioapic.h>
#include <kvm/pci.h>
#include <pith/log.h>
#include <x86/cpu.h>
#include <x86/machine.h>
#include <x86/mem.h>

/* The capability. */
#define MSIX_CONTROL   2
#define MSIX_TABLE     4
#define MSIX_ENABLE    0x8000
#define MSIX_MASK_ALL  0x4000
#define MSIX_SIZE      0x07ff /* entries - 1 */
#define MSIX_BIR       7u

/* An entry of the table. */
#define ENTRY_SIZE    16
#define ENTRY_LOW     0
#define ENTRY_HIGH    4
#define ENTRY_DATA    8
#define ENTRY_CONTROL 12
#define ENTRY_MASKED  1u

#define MSI_ADDRESS    0xfee00000u
#define MSI_DEST_SHIFT 12

#define MAX_ENTRIES 64 /* that we look at; more queues than that no driver has */

#define WIRES         8
#define WIRE_HANDLERS 8
#define MAX_PASSES    64

/* A wire and who listens. Handlers are added by probing threads and never taken off. */
struct wire {
    uint8_t gsi; /* 0: free; ISA's timer is never a PCI wire */
    unsigned n;
    struct {
        pci_intx_handler *fn;
        void *arg;
    } handler[WIRE_HANDLERS];
};

static struct wire wires[WIRES];

int pci_msix_open(struct pci_msix *m, uint16_t bdf)
{
    paddr_t base;
    uint64_t len;
    unsigned cap = pci_find_cap(bdf, PCI_CAP_MSIX, 0);
    if (cap == 0) {
        return -ENOENT;
    }
    uint16_t control = pci_read16(bdf, cap + MSIX_CONTROL);
    uint32_t where = pci_read32(bdf, cap + MSIX_TABLE);
    uint32_t offset = where & ~MSIX_BIR;
    unsigned entries = (control & MSIX_SIZE) + 1u;
    if (pci_bar(bdf, where & MSIX_BIR, &base, &len) < 0 || offset > len ||
        len - offset < entries * (uint64_t)ENTRY_SIZE) {
        klog(LOG_WARNING, "pci %02x:%02x.%x: its MSI-X table lies nowhere", bdf >> 8, bdf >> 3 & 31,
             bdf & 7);
        return -ENOENT;
    }
    entries = entries < MAX_ENTRIES ? entries : MAX_ENTRIES;
    volatile uint8_t *table = mem_map_device(base + offset, entries * ENTRY_SIZE);
    if (table == NULL) {
        return -ENOENT;
    }
    *m = (struct pci_msix){ .bdf = bdf, .cap = (uint8_t)cap, .table = table, .entries = entries };
    pci_write16(bdf, PCI_COMMAND, pci_read16(bdf, PCI_COMMAND) | PCI_COMMAND_MEMORY);
    /* After a reset all entries are masked (6.8.2.9); a firmware's driver may have left others. */
    pci_write16(bdf, cap + MSIX_CONTROL, (uint16_t)(control | MSIX_ENABLE | MSIX_MASK_ALL));
    for (unsigned i = 0; i < entries; i++) {
        mmio_write32(table + i * ENTRY_SIZE + ENTRY_CONTROL, ENTRY_MASKED);
    }
    control &= (uint16_t)~MSIX_MASK_ALL;
    pci_write16(bdf, cap + MSIX_CONTROL, (uint16_t)(control | MSIX_ENABLE));
    return 0;
}

int pci_msix_add(struct pci_msix *m, enum irq_class irq_class, irq_handler *handler, void *arg)
{
    if (m->used == m->entries) {
        return -ENOSPC;
    }
    int vector = irq_alloc(irq_class, handler, arg);
    if (vector == -ENOSPC && irq_class == IRQ_CLASS_DEVICE) {
        vector = irq_alloc(IRQ_CLASS_HIGH, handler, arg); /* a machine of very many devices */
    }
    if (vector < 0) {
        return vector;
    }
    volatile uint8_t *entry = m->table + m->used * ENTRY_SIZE;
    mmio_write32(entry + ENTRY_LOW, MSI_ADDRESS | x86_lapic_id() << MSI_DEST_SHIFT);
    mmio_write32(entry + ENTRY_HIGH, 0);
    mmio_write32(entry + ENTRY_DATA, (uint32_t)vector); /* fixed delivery, edge */
    mmio_write32(entry + ENTRY_CONTROL, 0);
    return (int)m->used++;
}

void pci_msix_mask(struct pci_msix *m)
{
    for (unsigned i = 0; i < m->used; i++) {
        mmio_write32(m->table + i * ENTRY_SIZE + ENTRY_CONTROL, ENTRY_MASKED);
    }
}

/*
 * The wire is level triggered by nature and our input edge triggered (see virtio_mmio.c), so all
 * devices are asked until none is active any more: only then has the wire fallen, and the next one
 * makes an edge.
 */
static void wire_interrupt(void *arg)
{
    struct wire *w = arg;
    bool active = true;
    for (unsigned pass = 0; active && pass < MAX_PASSES; pass++) {
        active = false;
        for (unsigned i = 0; i < w->n; i++) {
            active |= w->handler[i].fn(w->handler[i].arg);
        }
    }
}

/* The wire of that number, routed at its first use; NULL when that can't be. */
static struct wire *get_wire(uint8_t gsi)
{
    struct wire *w = NULL;
    for (unsigned i = 0; i < WIRES && w == NULL; i++) {
        if (wires[i].gsi == gsi) {
            return &wires[i];
        }
        w = wires[i].gsi == 0 ? &wires[i] : NULL;
    }
    if (w == NULL) {
        return NULL;
    }
    int vector = irq_alloc(IRQ_CLASS_DEVICE, wire_interrupt, w);
    if (vector < 0) {
        return NULL;
    }
    /* The firmware's tables say active high for the ISA numbers that chipsets route wires to. */
    w->gsi = gsi;
    if (ioapic_route_gsi(gsi, (unsigned)vector, false, false) < 0) {
        w->gsi = 0;
        irq_free((unsigned)vector);
        return NULL;
    }
    return w;
}

int pci_intx_add(uint16_t bdf, pci_intx_handler *handler, void *arg)
{
    uint8_t line = pci_read8(bdf, PCI_INTERRUPT_LINE);
    if (pci_read8(bdf, PCI_INTERRUPT_PIN) == 0 || line == 0 || line >= 24) {
        return -ENXIO; /* no pin, or the firmware has not told where it goes */
    }
    struct wire *w = get_wire(line);
    if (w == NULL || w->n == WIRE_HANDLERS) {
        return -ENOSPC;
    }
    w->handler[w->n].fn = handler;
    w->handler[w->n].arg = arg;
    w->n++;
    uint16_t command = pci_read16(bdf, PCI_COMMAND);
    pci_write16(bdf, PCI_COMMAND, command & (uint16_t)~PCI_COMMAND_INTX_OFF);
    return 0;
}

void pci_intx_mask(uint16_t bdf)
{
    pci_write16(bdf, PCI_COMMAND, pci_read16(bdf, PCI_COMMAND) | PCI_COMMAND_INTX_OFF);
}
