/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI configuration space (PCI Local Bus Specification 3.0, chapter 6), by the ports of
 * configuration mechanism 1, or by ECAM on machines that have only that (microvm with PCIe), as the
 * MCFG table tells.
 */
#include <kvm/pci.h>

#include <kvm/acpi.h>
#include <pith/spinlock.h>
#include <x86/cpu.h>

#define PORT_ADDRESS 0xcf8
#define PORT_DATA    0xcfc
#define PORT_ENABLE  0x80000000u

#define ECAM_BUS_SHIFT 20
#define ECAM_BDF_SHIFT 12

#define HEADER_MULTI  0x80
#define HEADER_TYPE   0x7f
#define HEADER_BRIDGE 1
#define MAX_BRIDGES   64

static bool prepared;
static bool ports;  /* mechanism 1 answers */
static bool ecam;
static struct acpi_ecam ecam_area;

/* Address and data port belong together. No other lock is taken inside. */
static struct spinlock lock = SPINLOCK_INIT;

/* Find the ways once; two threads at the same time find the same. */
static void prepare(void)
{
    if (prepared) {
        return;
    }
    outl(PORT_ADDRESS, PORT_ENABLE);
    ports = inl(PORT_ADDRESS) == PORT_ENABLE;
    ecam = acpi_ecam(&ecam_area) == 0;
    prepared = true;
}

bool pci_present(void)
{
    prepare();
    return ports;
}

/* The function's registers in memory, a bus being mapped as a whole (1 MiB); NULL: not there. */
static volatile uint8_t *ecam_regs(uint16_t bdf)
{
    unsigned bus = bdf >> 8;
    if (!ecam || bus < ecam_area.first_bus || bus > ecam_area.last_bus) {
        return NULL;
    }
    volatile uint8_t *regs = mem_map_device(ecam_area.base + ((uint64_t)bus << ECAM_BUS_SHIFT),
                                            1UL << ECAM_BUS_SHIFT);
    return regs == NULL ? NULL : regs + ((bdf & 0xffUL) << ECAM_BDF_SHIFT);
}

uint32_t pci_read32(uint16_t bdf, unsigned off)
{
    prepare();
    if (ports) { /* even where there is ECAM too: no page tables for it */
        bool was = spin_lock(&lock);
        outl(PORT_ADDRESS, PORT_ENABLE | (uint32_t)bdf << 8 | (off & 0xfc));
        uint32_t v = inl(PORT_DATA);
        spin_unlock(&lock, was);
        return v;
    }
    const volatile uint8_t *regs = ecam_regs(bdf);
    return regs == NULL ? ~0u : mmio_read32(regs + (off & 0xfc));
}

uint16_t pci_read16(uint16_t bdf, unsigned off)
{
    return (uint16_t)(pci_read32(bdf, off) >> (8 * (off & 2)));
}

uint8_t pci_read8(uint16_t bdf, unsigned off)
{
    return (uint8_t)(pci_read32(bdf, off) >> (8 * (off & 3)));
}

void pci_write32(uint16_t bdf, unsigned off, uint32_t v)
{
    prepare();
    if (ports) {
        bool was = spin_lock(&lock);
        outl(PORT_ADDRESS, PORT_ENABLE | (uint32_t)bdf << 8 | (off & 0xfc));
        outl(PORT_DATA, v);
        spin_unlock(&lock, was);
        return;
    }
    volatile uint8_t *regs = ecam_regs(bdf);
    if (regs != NULL) {
        mmio_write32(regs + (off & 0xfc), v);
    }
}

void pci_write16(uint16_t bdf, unsigned off, uint16_t v)
{
    prepare();
    if (ports) {
        bool was = spin_lock(&lock);
        outl(PORT_ADDRESS, PORT_ENABLE | (uint32_t)bdf << 8 | (off & 0xfc));
        outw((uint16_t)(PORT_DATA + (off & 2)), v);
        spin_unlock(&lock, was);
        return;
    }
    volatile uint8_t *regs = ecam_regs(bdf);
    if (regs != NULL) {
        mmio_write16(regs + (off & 0xfe), v);
    }
}

/* Call fn for the functions of one device; note the bus behind a bridge in buses[]. */
static void scan_device(uint16_t bdf, void (*fn)(uint16_t), uint8_t *buses, unsigned *nbuses)
{
    for (unsigned f = 0; f < 8; f++, bdf++) {
        uint16_t vendor = pci_read16(bdf, PCI_VENDOR_ID);
        if (vendor == 0xffff || vendor == 0) {
            if (f == 0) {
                return; /* without a function 0 there is no device */
            }
            continue;
        }
        uint8_t header = pci_read8(bdf, PCI_HEADER_TYPE);
        uint8_t behind = pci_read8(bdf, PCI_SECONDARY_BUS);
        if ((header & HEADER_TYPE) != HEADER_BRIDGE) {
            fn(bdf);
        } else if (behind > bdf >> 8 && *nbuses < MAX_BRIDGES) {
            /*
             * Numbers grow downwards, so a loop of bridges ends here. 0: the firmware left it out.
             */
            buses[(*nbuses)++] = behind;
        }
        if (f == 0 && (header & HEADER_MULTI) == 0) {
            return;
        }
    }
}

void pci_scan(void (*fn)(uint16_t bdf))
{
    uint8_t buses[MAX_BRIDGES] = { 0 };
    unsigned nbuses = 1;
    prepare();
    if (!ports && !ecam) {
        return;
    }
    for (unsigned i = 0; i < nbuses; i++) {
        for (unsigned device = 0; device < 32; device++) {
            scan_device((uint16_t)(buses[i] << 8 | device << 3), fn, buses, &nbuses);
        }
    }
}
