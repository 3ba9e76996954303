/* SPDX-License-Identifier: BSD-2-Clause */
/* The pure half of acpi.h: tables in memory to facts, with no access to the machine. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvm/acpi.h>

#define ACPI_HEADER_SIZE 36
#define ACPI_MAX_TABLE   (1024 * 1024) /* a longer one is taken for garbage */

/* A register of the FADT: GAS with address 0 is "none" (ACPI 6.5, 5.2.3.2). */
struct acpi_register {
    paddr_t address;
    bool is_port;
};

struct acpi_fadt {
    paddr_t dsdt;
    struct acpi_register pm1a_control, pm1b_control;
    struct acpi_register sleep_control; /* hardware-reduced machines */
    struct acpi_register reset;
    uint8_t reset_value;
};

/* Little-endian numbers at any alignment. */
uint32_t acpi_u32(const uint8_t *p);
uint64_t acpi_u64(const uint8_t *p);

/* The length that a table's header claims, 0 when it can't be right or the signature differs. */
size_t acpi_table_length(const void *header, const char *signature);

/* Do all `len` bytes add up to 0? */
bool acpi_checksum_ok(const void *table, size_t len);

/*
 * Is this (20 or, from revision 2 on, 36 bytes) a root pointer? Gives the XSDT's address, else the
 * RSDT's.
 */
bool acpi_rsdp(const void *p, size_t len, paddr_t *root, bool *wide);

/* The tables proper: `len` bytes whose header and checksum are right. Errors: -EINVAL. */
int acpi_parse_madt(const void *table, size_t len, struct acpi_madt *out);
int acpi_parse_mcfg(const void *table, size_t len, struct acpi_ecam *out);
int acpi_parse_fadt(const void *table, size_t len, struct acpi_fadt *out);

/* SLP_TYPa of \_S5 in the DSDT, 0..7. Errors: -ENOENT. */
int acpi_parse_s5(const void *dsdt, size_t len);

/* The configuration space that the DSDT's PCI host bridge tells of. Errors: -ENOENT. */
int acpi_parse_cba(const void *dsdt, size_t len, struct acpi_ecam *out);

/* The power button: the FADT's event block (without `control`), the DSDT's event device. -ENOENT. */
int acpi_parse_pm1_event(const void *fadt, size_t len, struct acpi_pm1_event *out);
int acpi_parse_ged(const void *dsdt, size_t len, struct acpi_ged *out);

/* The i-th virtio-mmio device of the DSDT. Errors: -ENOENT. */
int acpi_parse_virtio_mmio(const void *dsdt, size_t len, unsigned i, struct acpi_virtio_mmio *out);
