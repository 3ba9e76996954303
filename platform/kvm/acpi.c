/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding the ACPI tables and asking them (ACPI 6.5, 5.2.5 "Root System Description Pointer"). */
#include <kvm/acpi.h>

#include <errno.h>

#include <kvm/acpi_parse.h>
#include <pith/log.h>
#include <x86/cpu.h>
#include <x86/boot.h>

/*
 * Where a BIOS leaves the pointer when the boot protocol does not tell it: on 16-byte boundaries.
 */
#define BIOS_START 0xe0000
#define BIOS_SIZE  0x20000
#define RSDP_STEP  16
#define RSDP_SIZE  36

#define MAX_TABLES 64

#define PM1_TYPE_SHIFT   10
#define PM1_SLEEP_ENABLE (1u << 13)
#define SLEEP_TYPE_SHIFT 2
#define SLEEP_ENABLE     (1u << 5)

/* The tables of the root table that passed the checks. */
struct found {
    const void *table;
    size_t len;
};

static struct found madt_table, mcfg_table, fadt_table, dsdt_table;
static struct acpi_fadt fadt;
static struct acpi_madt madt;
static bool madt_valid;
static bool searched;

/*
 * Map a whole table; signature NULL accepts any of the root tables. NULL when it isn't a sound one.
 */
static const void *map_table(paddr_t pa, const char *signature, size_t *len)
{
    const void *header = pa == 0 ? NULL : mem_map_firmware(pa, ACPI_HEADER_SIZE);
    if (header == NULL) {
        return NULL;
    }
    *len = acpi_table_length(header, signature);
    if (*len == 0) {
        return NULL;
    }
    const void *table = mem_map_firmware(pa, *len);
    if (table == NULL || !acpi_checksum_ok(table, *len)) {
        klog(LOG_WARNING, "acpi: table %s is damaged", signature);
        return NULL;
    }
    return table;
}

static bool find_rsdp(paddr_t *root, bool *wide)
{
    if (x86_rsdp != 0) {
        const void *p = mem_map_firmware(x86_rsdp, RSDP_SIZE);
        return p != NULL && acpi_rsdp(p, RSDP_SIZE, root, wide);
    }
    const uint8_t *bios = mem_map_firmware(BIOS_START, BIOS_SIZE);
    for (size_t at = 0; bios != NULL && at + RSDP_SIZE <= BIOS_SIZE; at += RSDP_STEP) {
        if (acpi_rsdp(bios + at, RSDP_SIZE, root, wide)) {
            return true;
        }
    }
    return false;
}

static void consider(paddr_t pa)
{
    static const struct {
        const char *signature;
        struct found *where;
    } wanted[] = { { "APIC", &madt_table }, { "MCFG", &mcfg_table }, { "FACP", &fadt_table } };
    const void *header = pa == 0 ? NULL : mem_map_firmware(pa, ACPI_HEADER_SIZE);
    for (unsigned i = 0; header != NULL && i < sizeof wanted / sizeof wanted[0]; i++) {
        struct found *f = wanted[i].where;
        if (f->table == NULL && acpi_table_length(header, wanted[i].signature) != 0) {
            f->table = map_table(pa, wanted[i].signature, &f->len);
        }
    }
}

/* Find all tables once; two threads at the same time find the same ones. */
static void search(void)
{
    paddr_t root_pa;
    bool wide;
    size_t len = 0;
    if (searched) {
        return;
    }
    const uint8_t *root = NULL;
    if (find_rsdp(&root_pa, &wide)) {
        root = map_table(root_pa, wide ? "XSDT" : "RSDT", &len);
    }
    if (root == NULL) {
        klog(LOG_DEBUG, "acpi: no tables");
        searched = true;
        return;
    }
    size_t entry = wide ? 8 : 4;
    size_t n = (len - ACPI_HEADER_SIZE) / entry;
    for (size_t i = 0; i < n && i < MAX_TABLES; i++) {
        const uint8_t *e = root + ACPI_HEADER_SIZE + i * entry;
        consider(wide ? acpi_u64(e) : acpi_u32(e));
    }
    if (fadt_table.table != NULL && acpi_parse_fadt(fadt_table.table, fadt_table.len, &fadt) == 0) {
        dsdt_table.table = map_table(fadt.dsdt, "DSDT", &dsdt_table.len);
    }
    if (madt_table.table != NULL) {
        madt_valid = acpi_parse_madt(madt_table.table, madt_table.len, &madt) == 0;
    }
    searched = true;
}

bool acpi_present(void)
{
    search();
    return fadt_table.table != NULL;
}

const struct acpi_madt *acpi_madt(void)
{
    search();
    return madt_valid ? &madt : NULL;
}

int acpi_ecam(struct acpi_ecam *out)
{
    search();
    if (mcfg_table.table != NULL && acpi_parse_mcfg(mcfg_table.table, mcfg_table.len, out) == 0) {
        return 0;
    }
    if (dsdt_table.table != NULL) {
        return acpi_parse_cba(dsdt_table.table, dsdt_table.len, out);
    }
    return -ENOENT;
}

int acpi_virtio_mmio(unsigned i, struct acpi_virtio_mmio *out)
{
    search();
    if (dsdt_table.table == NULL) {
        return -ENOENT;
    }
    return acpi_parse_virtio_mmio(dsdt_table.table, dsdt_table.len, i, out);
}

int acpi_pm1_event(struct acpi_pm1_event *out)
{
    search();
    if (fadt_table.table == NULL ||
        acpi_parse_pm1_event(fadt_table.table, fadt_table.len, out) < 0) {
        return -ENOENT;
    }
    out->control = fadt.pm1a_control.is_port ? (uint16_t)fadt.pm1a_control.address : 0;
    return 0;
}

int acpi_ged(struct acpi_ged *out)
{
    search();
    if (dsdt_table.table == NULL) {
        return -ENOENT;
    }
    return acpi_parse_ged(dsdt_table.table, dsdt_table.len, out);
}

uint32_t acpi_isa_gsi(unsigned irq)
{
    search();
    return madt_valid && irq < ACPI_ISA_IRQS ? madt.isa[irq].gsi : irq;
}

/* Write 8 or 16 bits to a register of the FADT; false when it has none. */
static bool write_register(const struct acpi_register *r, uint16_t v, bool wide)
{
    if (r->address == 0) {
        return false;
    }
    if (r->is_port) {
        if (wide) {
            outw((uint16_t)r->address, v);
        } else {
            outb((uint16_t)r->address, (uint8_t)v);
        }
        return true;
    }
    volatile void *p = mem_map_device(r->address, 2);
    if (p == NULL) {
        return false;
    }
    if (wide) {
        mmio_write16(p, v);
    } else {
        mmio_write8(p, (uint8_t)v);
    }
    return true;
}

bool acpi_power_off(void)
{
    search();
    int type = -ENOENT;
    if (dsdt_table.table != NULL) {
        type = acpi_parse_s5(dsdt_table.table, dsdt_table.len);
    }
    if (type < 0) {
        return false;
    }
    uint16_t pm1 = (uint16_t)((unsigned)type << PM1_TYPE_SHIFT | PM1_SLEEP_ENABLE);
    uint16_t sleep = (uint16_t)((unsigned)type << SLEEP_TYPE_SHIFT | SLEEP_ENABLE);
    bool done = write_register(&fadt.sleep_control, sleep, false);
    done |= write_register(&fadt.pm1a_control, pm1, true);
    write_register(&fadt.pm1b_control, pm1, true);
    return done;
}

bool acpi_reset(void)
{
    search();
    return write_register(&fadt.reset, fadt.reset_value, false);
}
