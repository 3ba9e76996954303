/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI tables as bytes (ACPI 6.5, chapter 5): every offset is checked against the table's length.
 *
 * The DSDT is AML, which nobody here runs: two patterns that compilers of it always write the same
 * way are looked for instead (chapter 20, "AML Specification").
 */
#include <kvm/acpi_parse.h>

#include <errno.h>
#include <string.h>

#define RSDP_V1_SIZE 20
#define RSDP_V2_SIZE 36

/* Multiple APIC Description Table, 5.2.12: type and length, then the entry's own bytes. */
#define MADT_ENTRIES         44
#define MADT_LAPIC           0
#define MADT_IOAPIC          1
#define MADT_OVERRIDE        2
#define MADT_X2APIC          9
#define MADT_ENABLED         1u
#define OVERRIDE_POLARITY(f) ((f) & 3)      /* 3: active low */
#define OVERRIDE_TRIGGER(f)  ((f) >> 2 & 3) /* 3: level */

/* FADT, 5.2.9. The extended fields exist from revision 3 on, as the length tells. */
#define FADT_DSDT          40
#define FADT_PM1A_CONTROL  64
#define FADT_PM1B_CONTROL  68
#define FADT_FLAGS         112
#define FADT_RESET         116
#define FADT_RESET_VALUE   128
#define FADT_X_DSDT        140
#define FADT_X_PM1A        172
#define FADT_X_PM1B        184
#define FADT_SLEEP_CONTROL 244
#define FADT_RESET_SUP     (1u << 10)
#define GAS_SIZE           12
#define GAS_MEMORY         0
#define GAS_PORT           1

/* MCFG, PCI Firmware Specification 3.3, table 4-2. */
#define MCFG_ENTRIES    44
#define MCFG_ENTRY_SIZE 16

/* AML bytes. */
#define AML_NAME    0x08
#define AML_ZERO    0x00
#define AML_ONE     0x01
#define AML_BYTE    0x0a
#define AML_DWORD   0x0c
#define AML_QWORD   0x0e
#define AML_PACKAGE 0x12

/* Resource descriptors, 6.4.3: tag, 16-bit length, body. */
#define RES_MEMORY32      0x86
#define RES_MEMORY32_SIZE 12
#define RES_IRQ           0x89
#define RES_IRQ_MIN_SIZE  9
#define RES_IRQ_EDGE      0x02
#define RES_IRQ_LOW       0x04
#define CRS_WINDOW        256 /* how far behind its _HID a device's _CRS may lie */

static uint16_t acpi_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t acpi_u32(const uint8_t *p)
{
    return acpi_u16(p) | (uint32_t)acpi_u16(p + 2) << 16;
}

uint64_t acpi_u64(const uint8_t *p)
{
    return acpi_u32(p) | (uint64_t)acpi_u32(p + 4) << 32;
}

size_t acpi_table_length(const void *header, const char *signature)
{
    const uint8_t *t = header;
    if (memcmp(t, signature, 4) != 0) {
        return 0;
    }
    uint32_t len = acpi_u32(t + 4);
    return len < ACPI_HEADER_SIZE || len > ACPI_MAX_TABLE ? 0 : len;
}

bool acpi_checksum_ok(const void *table, size_t len)
{
    const uint8_t *t = table;
    uint8_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum = (uint8_t)(sum + t[i]);
    }
    return sum == 0;
}

bool acpi_rsdp(const void *p, size_t len, paddr_t *root, bool *wide)
{
    const uint8_t *r = p;
    if (len < RSDP_V1_SIZE || memcmp(r, "RSD PTR ", 8) != 0 || !acpi_checksum_ok(r, RSDP_V1_SIZE)) {
        return false;
    }
    *root = acpi_u32(r + 16);
    *wide = false;
    if (r[15] >= 2 && len >= RSDP_V2_SIZE && acpi_checksum_ok(r, RSDP_V2_SIZE) &&
        acpi_u64(r + 24) != 0) {
        *root = acpi_u64(r + 24);
        *wide = true;
    }
    return *root != 0;
}

static void add_cpu(struct acpi_madt *out, uint32_t id, uint32_t flags)
{
    if ((flags & MADT_ENABLED) && out->ncpus < ACPI_MAX_CPUS) {
        out->apic_id[out->ncpus++] = id;
    }
}

static void add_override(struct acpi_madt *out, const uint8_t *e)
{
    uint8_t irq = e[3];
    uint16_t flags = acpi_u16(e + 8);
    if (e[2] != 0 || irq >= ACPI_ISA_IRQS) {
        return; /* bus 0 is ISA */
    }
    out->isa[irq].gsi = acpi_u32(e + 4);
    out->isa[irq].low = OVERRIDE_POLARITY(flags) == 3;
    out->isa[irq].level = OVERRIDE_TRIGGER(flags) == 3;
}

int acpi_parse_madt(const void *table, size_t len, struct acpi_madt *out)
{
    const uint8_t *t = table;
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < ACPI_ISA_IRQS; i++) {
        out->isa[i].gsi = i;
    }
    if (len < MADT_ENTRIES) {
        return -EINVAL;
    }
    for (size_t at = MADT_ENTRIES; at + 2 <= len;) {
        const uint8_t *e = t + at;
        size_t size = e[1];
        if (size < 2 || size > len - at) {
            return -EINVAL;
        }
        if (e[0] == MADT_LAPIC && size >= 8) {
            add_cpu(out, e[3], acpi_u32(e + 4));
        } else if (e[0] == MADT_X2APIC && size >= 16) {
            add_cpu(out, acpi_u32(e + 4), acpi_u32(e + 8));
        } else if (e[0] == MADT_IOAPIC && size >= 12 && out->nioapics < ACPI_MAX_IOAPICS) {
            out->ioapic[out->nioapics++] = (struct acpi_ioapic){
                .base = acpi_u32(e + 4), .gsi_base = acpi_u32(e + 8), .id = e[2]
            };
        } else if (e[0] == MADT_OVERRIDE && size >= 10) {
            add_override(out, e);
        }
        at += size;
    }
    return 0;
}

int acpi_parse_mcfg(const void *table, size_t len, struct acpi_ecam *out)
{
    const uint8_t *t = table;
    for (size_t at = MCFG_ENTRIES; at + MCFG_ENTRY_SIZE <= len; at += MCFG_ENTRY_SIZE) {
        const uint8_t *e = t + at;
        if (acpi_u16(e + 8) != 0 || e[10] > e[11] || acpi_u64(e) == 0) {
            continue; /* another segment, or nonsense */
        }
        out->base = acpi_u64(e);
        out->first_bus = e[10];
        out->last_bus = e[11];
        return 0;
    }
    return -EINVAL;
}

/* A register given twice: as an old port number and as a GAS that overrides it. */
static struct acpi_register get_register(const uint8_t *t, size_t len, size_t old, size_t gas)
{
    struct acpi_register r = { 0, true };
    if (old != 0 && old + 4 <= len) {
        r.address = acpi_u32(t + old);
    }
    if (gas + GAS_SIZE <= len && acpi_u64(t + gas + 4) != 0 &&
        (t[gas] == GAS_MEMORY || t[gas] == GAS_PORT)) {
        r.address = acpi_u64(t + gas + 4);
        r.is_port = t[gas] == GAS_PORT;
    }
    if (r.is_port && r.address > 0xffff) {
        r.address = 0;
    }
    return r;
}

int acpi_parse_fadt(const void *table, size_t len, struct acpi_fadt *out)
{
    const uint8_t *t = table;
    memset(out, 0, sizeof *out);
    if (len < FADT_RESET) {
        return -EINVAL;
    }
    out->dsdt = acpi_u32(t + FADT_DSDT);
    if (FADT_X_DSDT + 8 <= len && acpi_u64(t + FADT_X_DSDT) != 0) {
        out->dsdt = acpi_u64(t + FADT_X_DSDT);
    }
    out->pm1a_control = get_register(t, len, FADT_PM1A_CONTROL, FADT_X_PM1A);
    out->pm1b_control = get_register(t, len, FADT_PM1B_CONTROL, FADT_X_PM1B);
    out->sleep_control = get_register(t, len, 0, FADT_SLEEP_CONTROL);
    if ((acpi_u32(t + FADT_FLAGS) & FADT_RESET_SUP) && FADT_RESET_VALUE < len) {
        out->reset = get_register(t, len, 0, FADT_RESET);
        out->reset_value = t[FADT_RESET_VALUE];
    }
    return 0;
}

/* Where `what` begins in [p, p+len), or len. */
static size_t find_bytes(const uint8_t *p, size_t len, const char *what, size_t n)
{
    for (size_t i = 0; i + n <= len; i++) {
        if (p[i] == (uint8_t)what[0] && memcmp(p + i, what, n) == 0) {
            return i;
        }
    }
    return len;
}

/*
 * Name (_S5, Package () { SLP_TYPa, ... }): 08 "_S5_" 12, package length (its top two bits tell how
 * many more bytes it has), element count, first element as ZeroOp, OneOp or BytePrefix and byte.
 */
int acpi_parse_s5(const void *dsdt, size_t len)
{
    const uint8_t *t = dsdt;
    size_t at = ACPI_HEADER_SIZE;
    while (at < len) {
        at += find_bytes(t + at, len - at, "_S5_", 4) + 4;
        if (at + 2 > len || t[at] != AML_PACKAGE || (t[at - 5] != AML_NAME && t[at - 5] != '\\')) {
            continue;
        }
        size_t element = at + 1 + 1 + (t[at + 1] >> 6) + 1;
        if (element + 2 > len) {
            continue;
        }
        unsigned type = t[element];
        if (type == AML_BYTE) {
            type = t[element + 1];
        } else if (type != AML_ZERO && type != AML_ONE) {
            continue;
        }
        if (type <= 7) {
            return (int)type;
        }
    }
    return -ENOENT;
}

/*
 * Method (_CBA) { Return (0xe0000000) }, which is all that QEMU's microvm tells: the name, method
 * flags 0, ReturnOp, DWordPrefix or QWordPrefix, the number.
 */
int acpi_parse_cba(const void *dsdt, size_t len, struct acpi_ecam *out)
{
    const uint8_t *t = dsdt;
    size_t at = ACPI_HEADER_SIZE;
    while (at < len) {
        at += find_bytes(t + at, len - at, "_CBA\0\xa4", 6) + 6;
        if (at + 5 > len || (t[at] == AML_QWORD && at + 9 > len)) {
            break;
        }
        *out = (struct acpi_ecam){ .last_bus = 255 };
        if (t[at] == AML_DWORD) {
            out->base = acpi_u32(t + at + 1);
        } else if (t[at] == AML_QWORD) {
            out->base = acpi_u64(t + at + 1);
        }
        if (out->base != 0) {
            return 0;
        }
    }
    return -ENOENT;
}

/* The first memory range and interrupt in the window behind a device's _HID. */
static bool parse_crs(const uint8_t *p, size_t len, struct acpi_virtio_mmio *out)
{
    bool memory = false;
    for (size_t at = 0; at + RES_IRQ_MIN_SIZE <= len; at++) {
        const uint8_t *r = p + at;
        if (!memory && at + RES_MEMORY32_SIZE <= len && r[0] == RES_MEMORY32 &&
            acpi_u16(r + 1) == 9) {
            out->base = acpi_u32(r + 4);
            out->len = acpi_u32(r + 8);
            memory = out->base != 0 && out->len != 0;
            at += RES_MEMORY32_SIZE - 1;
        } else if (memory && r[0] == RES_IRQ && acpi_u16(r + 1) == 6 && r[4] == 1) {
            out->level = (r[3] & RES_IRQ_EDGE) == 0;
            out->low = (r[3] & RES_IRQ_LOW) != 0;
            out->gsi = acpi_u32(r + 5);
            return true;
        }
    }
    return false;
}

int acpi_parse_virtio_mmio(const void *dsdt, size_t len, unsigned i, struct acpi_virtio_mmio *out)
{
    static const char hid[] = "LNRO0005";
    const uint8_t *t = dsdt;
    size_t at = ACPI_HEADER_SIZE;
    while (at < len) {
        at += find_bytes(t + at, len - at, hid, sizeof hid - 1) + sizeof hid - 1;
        if (at >= len) {
            break;
        }
        /* Up to the next device's _HID, so that no device takes another's resources. */
        size_t window = len - at < CRS_WINDOW ? len - at : CRS_WINDOW;
        window = find_bytes(t + at, window, hid, sizeof hid - 1);
        if (parse_crs(t + at, window, out) && i-- == 0) {
            return 0;
        }
    }
    return -ENOENT;
}
