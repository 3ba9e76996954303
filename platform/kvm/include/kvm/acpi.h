/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI tables: the few facts that a driver needs of them. No AML is run.
 *
 * The firmware's tables are input like any other: lengths and checksums are checked, counts
 * bounded; a table that does not hold together counts as absent.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <x86/mem.h>

#define ACPI_MAX_CPUS    64
#define ACPI_MAX_IOAPICS 4
#define ACPI_ISA_IRQS    16

struct acpi_ioapic {
    paddr_t base;
    uint32_t gsi_base;
    uint8_t id;
};

struct acpi_isa_irq {
    uint32_t gsi;
    bool level;
    bool low;
};

/* What the MADT says. */
struct acpi_madt {
    unsigned ncpus; /* enabled ones, in the table's order */
    uint32_t apic_id[ACPI_MAX_CPUS];
    unsigned nioapics;
    struct acpi_ioapic ioapic[ACPI_MAX_IOAPICS];
    struct acpi_isa_irq isa[ACPI_ISA_IRQS];
};

/* The MADT, parsed at the first call; NULL when there is none. Context: thread. */
const struct acpi_madt *acpi_madt(void);

/* PCI configuration space of segment 0 in memory, by the MCFG table, else by the DSDT's _CBA. */
struct acpi_ecam {
    paddr_t base; /* of bus 0, also when first_bus is another */
    uint8_t first_bus, last_bus;
};

/* Errors: -ENOENT. Context: thread. */
int acpi_ecam(struct acpi_ecam *out);

/* A virtio-mmio device of the DSDT (_HID "LNRO0005"). */
struct acpi_virtio_mmio {
    paddr_t base;
    uint32_t len;
    uint32_t gsi;
    bool level;
    bool low;
};

/* The i-th of them. Errors: -ENOENT. Context: thread. */
int acpi_virtio_mmio(unsigned i, struct acpi_virtio_mmio *out);

/* The fixed power button's registers, as port numbers, and its ISA interrupt (the SCI). */
struct acpi_pm1_event {
    uint16_t status, enable;
    uint16_t control; /* 0: none */
    uint16_t irq;
};

/* Errors: -ENOENT, there is no such button. Context: any where a mapping can be made. */
int acpi_pm1_event(struct acpi_pm1_event *out);

/* QEMU's Generic Event Device: the register that tells what happened, its interrupt. */
struct acpi_ged {
    paddr_t selector;
    uint32_t gsi;
};

/* Errors: -ENOENT. Context: as above. */
int acpi_ged(struct acpi_ged *out);

/* The global interrupt number of an ISA interrupt (0..15). Context: as above. */
uint32_t acpi_isa_gsi(unsigned irq);

/* Are there ACPI tables at all? Context: thread. */
bool acpi_present(void);

/*
 * Write what the FADT says; false when it says nothing. The host acts on it later. They map the
 * tables at the first call. Context: any where a mapping can be made.
 */
bool acpi_power_off(void);
bool acpi_reset(void);
