/* sources: platform/kvm/acpi.c platform/kvm/acpi_parse.c platform/kvm/acpi_event_parse.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI tables: sound ones say what they say; damaged, cut and looping ones cost nothing but
 * themselves.
 */
#include <stdarg.h>

#include <kvm/acpi_parse.h>
#include <pith/log.h>

#include "unit.h"

/* The machine: one piece of memory at a physical address, of exact size for AddressSanitizer. */
#define ARENA 0x1000u
#define ARENA_SIZE 0x4000u

static uint8_t *arena;
static unsigned warnings;
static uint64_t seed = 0xacb1;
uint64_t x86_rsdp;

void klog(enum log_level level, const char *fmt, ...)
{
    (void)fmt;
    warnings += level <= LOG_WARNING;
}

const void *mem_map_firmware(paddr_t pa, size_t len)
{
    if (pa < ARENA || len > ARENA_SIZE || pa - ARENA > ARENA_SIZE - len) {
        return NULL;
    }
    return arena + (pa - ARENA);
}

void *mem_map_device(paddr_t pa, size_t len)
{
    (void)pa;
    (void)len;
    return NULL;
}

static void put32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4);
}

static void put64(uint8_t *p, uint64_t v)
{
    memcpy(p, &v, 8);
}

static void fix_checksum(uint8_t *t, size_t len, size_t at)
{
    uint8_t sum = 0;
    t[at] = 0;
    for (size_t i = 0; i < len; i++) {
        sum = (uint8_t)(sum + t[i]);
    }
    t[at] = (uint8_t)-sum;
}

/* A header in front of `body`; returns the whole length. */
static size_t table(uint8_t *t, const char *signature, const uint8_t *body, size_t n)
{
    memset(t, 0, ACPI_HEADER_SIZE);
    memcpy(t, signature, 4);
    put32(t + 4, (uint32_t)(ACPI_HEADER_SIZE + n));
    memcpy(t + ACPI_HEADER_SIZE, body, n);
    fix_checksum(t, ACPI_HEADER_SIZE + n, 9);
    return ACPI_HEADER_SIZE + n;
}

/* Two CPUs (one of three disabled), two I/O APICs, two overrides, an unknown entry. */
static const uint8_t madt_body[] = {
    0, 0, 0xe0, 0xfe, 1, 0, 0, 0,
    0, 8, 0, 0, 1, 0, 0, 0,   0, 8, 1, 7, 0, 0, 0, 0,
    9, 16, 0, 0, 0x2c, 1, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0,
    1, 12, 2, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0,
    1, 12, 3, 0, 0, 0, 0xc1, 0xfe, 24, 0, 0, 0,
    2, 10, 0, 0, 2, 0, 0, 0, 0, 0,   2, 10, 0, 4, 20, 0, 0, 0, 0x0f, 0,
    200, 3, 9,
};

static void test_madt(void)
{
    uint8_t t[256];
    struct acpi_madt m;
    size_t len = table(t, "APIC", madt_body, sizeof madt_body);
    EXPECT(acpi_table_length(t, "APIC") == len && acpi_checksum_ok(t, len));
    EXPECT(acpi_parse_madt(t, len, &m) == 0);
    EXPECT(m.ncpus == 2 && m.apic_id[0] == 0 && m.apic_id[1] == 0x12c);
    EXPECT(m.nioapics == 2 && m.ioapic[0].base == 0xfec00000 && m.ioapic[1].gsi_base == 24);
    EXPECT(m.isa[0].gsi == 2 && !m.isa[0].level && !m.isa[0].low);
    EXPECT(m.isa[4].gsi == 20 && m.isa[4].level && m.isa[4].low && m.isa[1].gsi == 1);
    t[45] = 0; /* an entry of no length would be read for ever */
    EXPECT(acpi_parse_madt(t, len, &m) < 0);
    t[45] = 255;
    EXPECT(acpi_parse_madt(t, len, &m) < 0);
    EXPECT(acpi_parse_madt(t, 20, &m) < 0);
    /* More than fit: dropped, not written behind the end. */
    static uint8_t many[8 + 300 * 8 + 20 * 12], big[ACPI_HEADER_SIZE + sizeof many];
    for (unsigned i = 0; i < 300; i++) {
        many[8 + 8 * i + 1] = 8;
        many[8 + 8 * i + 4] = 1;
    }
    for (unsigned i = 0; i < 20; i++) {
        many[8 + 2400 + 12 * i] = 1;
        many[8 + 2400 + 12 * i + 1] = 12;
    }
    len = table(big, "APIC", many, sizeof many);
    EXPECT(acpi_parse_madt(big, len, &m) == 0 && m.ncpus == ACPI_MAX_CPUS);
    EXPECT(m.nioapics == ACPI_MAX_IOAPICS);
}

static void test_mcfg_and_fadt(void)
{
    uint8_t t[400] = { 0 };
    uint8_t body[300] = { 0 };
    struct acpi_ecam ecam;
    put64(body + 8, 0xe0000000);
    body[18] = 1; /* another segment's start bus does not matter */
    body[16] = 1;
    put64(body + 24, 0xb0000000);
    body[35] = 255;
    size_t len = table(t, "MCFG", body, 40);
    EXPECT(acpi_parse_mcfg(t, len, &ecam) == 0);
    EXPECT(ecam.base == 0xb0000000 && ecam.first_bus == 0 && ecam.last_bus == 255);
    EXPECT(acpi_parse_mcfg(t, len - 1, &ecam) < 0);

    struct acpi_fadt f;
    memset(body, 0, sizeof body);
    put32(body + 40 - 36, 0x1234);
    put32(body + 64 - 36, 0x604);
    put32(body + 112 - 36, 1 << 10);
    body[116 - 36] = 1;
    put64(body + 120 - 36, 0xcf9);
    body[128 - 36] = 6;
    put64(body + 140 - 36, 0x5678);
    len = table(t, "FACP", body, 244 - 36);
    EXPECT(acpi_parse_fadt(t, len, &f) == 0);
    EXPECT(f.dsdt == 0x5678 && f.pm1a_control.address == 0x604 && f.pm1a_control.is_port);
    EXPECT(f.reset.address == 0xcf9 && f.reset.is_port && f.reset_value == 6);
    EXPECT(f.sleep_control.address == 0 && f.pm1b_control.address == 0);
    put64(body + 248 - 36, 0xfea00200); /* memory, as on a hardware-reduced machine */
    len = table(t, "FACP", body, 276 - 36);
    EXPECT(acpi_parse_fadt(t, len, &f) == 0);
    EXPECT(f.sleep_control.address == 0xfea00200 && !f.sleep_control.is_port);
    EXPECT(acpi_parse_fadt(t, 116, &f) == 0 && f.reset.address == 0 && f.dsdt == 0x1234);
    EXPECT(acpi_parse_fadt(t, 100, &f) < 0);
    put32(body + 64 - 36, 0x10604); /* no such port */
    len = table(t, "FACP", body, 244 - 36);
    EXPECT(acpi_parse_fadt(t, len, &f) == 0 && f.pm1a_control.address == 0);
}

static int s5_of(const char *aml, size_t n)
{
    uint8_t t[200];
    return acpi_parse_s5(t, table(t, "DSDT", (const uint8_t *)aml, n));
}

static void test_s5(void)
{
    EXPECT(s5_of("\x08_S5_\x12\x06\x04\x0a\x05\x0a\x05\x00\x00", 13) == 5);
    EXPECT(s5_of("xx\x08\\_S5_\x12\x06\x04\x00\x00\x00\x00", 14) == 0);
    EXPECT(s5_of("\x08_S5_\x12\x06\x04\x01\x00\x00\x00", 12) == 1);
    EXPECT(s5_of("\x08_S5_\x12\x47\x00\x04\x0a\x07\x00\x00", 13) == 7); /* a length of two bytes */
    EXPECT(s5_of("\x08_S5_\x12\x06\x04\x0a\x09\x00\x00", 12) < 0);
    EXPECT(s5_of("Z_S5_\x12\x06\x04\x0a\x05\x00\x00", 12) < 0);
    EXPECT(s5_of("\x08_S5_", 5) < 0);
    EXPECT(s5_of("\x08_S5_\x12\xff\x04\x0a\x05\x00", 11) < 0);
    EXPECT(s5_of("Z_S5_\x01\x02\x03\x04\x05\x06\x08_S5_\x12\x06\x04\x0a\x05\x00\x00", 23) == 5);
}

static int cba_of(const char *aml, size_t n, uint64_t base)
{
    uint8_t t[200];
    struct acpi_ecam e = { 0, 1, 1 };
    int err = acpi_parse_cba(t, table(t, "DSDT", (const uint8_t *)aml, n), &e);
    return err == 0 ? e.base == base && e.first_bus == 0 && e.last_bus == 255 : err;
}

static void test_cba(void)
{
    EXPECT(cba_of("\x14\x0c_CBA\0\xa4\x0c\0\0\0\xe0", 13, 0xe0000000) == 1);
    EXPECT(cba_of("\x14\x0c_CBA\0\xa4\x0e\0\0\0\x10\x40\0\0\0", 17, 0x4010000000) == 1);
    EXPECT(cba_of("\x14\x0c_CBA\0\xa4\x0e\0\0\0\x10\x40\0\0", 16, 0) < 0);
    EXPECT(cba_of("\x14\x0c_CBA\0\xa4\x0c\0\0\0", 12, 0) < 0);
    EXPECT(cba_of("\x14\x0c_CBA\0\xa4\x0c\0\0\0\0", 13, 0) < 0);
    EXPECT(cba_of("\x14\x0c_CBA\0\x0c", 8, 0) < 0);
}

#define DEVICE(base, gsi, flags)                                                                   \
    "\x08_HID\x0dLNRO0005\0\x08_CRS\x11\x18\x0a\x17\x86\x09\0\x01\0" base                            \
    "\xfe\0\x02\0\0\x89\x06\0" flags                                                               \
    "\x01" gsi "\0\0\0\x79\0"

static void test_virtio_devices(void)
{
    static const char aml[] = DEVICE("\x00\xb0", "\x18", "\x01") DEVICE("\x02\xb0", "\x19", "\x07")
        "\x08_HID\x0dLNRO0005\0none" DEVICE("\x04\xb0", "\x1a", "\x03");
    uint8_t t[600];
    struct acpi_virtio_mmio d;
    size_t len = table(t, "DSDT", (const uint8_t *)aml, sizeof aml - 1);
    EXPECT(acpi_parse_virtio_mmio(t, len, 0, &d) == 0);
    EXPECT(d.base == 0xfeb00000 && d.len == 512 && d.gsi == 24 && d.level && !d.low);
    EXPECT(acpi_parse_virtio_mmio(t, len, 1, &d) == 0);
    EXPECT(d.base == 0xfeb00200 && d.gsi == 25 && !d.level && d.low);
    /* The third has no resources, and does not get the fourth's. */
    EXPECT(acpi_parse_virtio_mmio(t, len, 2, &d) == 0 && d.base == 0xfeb00400 && d.gsi == 26);
    EXPECT(acpi_parse_virtio_mmio(t, len, 3, &d) < 0);
    for (size_t cut = ACPI_HEADER_SIZE; cut < len; cut++) {
        uint8_t *exact = malloc(cut);
        memcpy(exact, t, cut);
        int n = 0;
        while (acpi_parse_virtio_mmio(exact, cut, (unsigned)n, &d) == 0) {
            n++;
        }
        EXPECT(n <= 3 && acpi_parse_s5(exact, cut) < 0);
        free(exact);
    }
}

/* Random damage in copies of exact size: AddressSanitizer and UBSan watch. */
static void test_damage(void)
{
    struct acpi_madt m;
    struct acpi_ecam e;
    struct acpi_fadt f;
    struct acpi_virtio_mmio d;
    for (unsigned round = 0; round < 100000; round++) {
        size_t len = ACPI_HEADER_SIZE + unit_random(&seed) % 300;
        uint8_t *t = malloc(len);
        for (size_t i = 0; i < len; i++) {
            uint64_t r = unit_random(&seed);
            t[i] = r & 0x300 ? (uint8_t)(r % 24) : (uint8_t)r; /* small ones look real */
        }
        if (round & 1) {
            table(t, "APIC", madt_body, len - ACPI_HEADER_SIZE < sizeof madt_body
                                            ? len - ACPI_HEADER_SIZE : sizeof madt_body);
            t[unit_random(&seed) % len] ^= (uint8_t)unit_random(&seed);
        }
        acpi_parse_madt(t, len, &m);
        EXPECT(m.ncpus <= ACPI_MAX_CPUS && m.nioapics <= ACPI_MAX_IOAPICS);
        acpi_parse_mcfg(t, len, &e);
        acpi_parse_fadt(t, len, &f);
        int s5 = acpi_parse_s5(t, len);
        EXPECT(s5 <= 7);
        acpi_parse_cba(t, len, &e);
        acpi_parse_virtio_mmio(t, len, 0, &d);
        free(t);
    }
}

/* A whole set of tables in memory, one of them damaged, found from the root pointer. */
static void test_search(void)
{
    uint8_t rsdt[32] = { 0 };
    uint8_t fadt_body[208] = { 0 };
    arena = calloc(1, ARENA_SIZE);
    memcpy(arena + 0x10, "RSD PTR ", 8);
    put32(arena + 0x10 + 16, ARENA + 0x100);
    fix_checksum(arena + 0x10, 20, 8);
    put32(rsdt, ARENA + 0x200);       /* MADT */
    put32(rsdt + 4, 0xfffffff0);      /* nowhere */
    put32(rsdt + 8, ARENA + 0x400);   /* MCFG, damaged below */
    put32(rsdt + 12, ARENA + 0x600);  /* FADT */
    put32(rsdt + 16, ARENA + 0x3ff0); /* cut by the end of memory */
    put32(rsdt + 20, ARENA + 0x100);  /* the root table itself */
    table(arena + 0x100, "RSDT", rsdt, sizeof rsdt);
    table(arena + 0x200, "APIC", madt_body, sizeof madt_body);
    table(arena + 0x400, "MCFG", fadt_body, 24);
    arena[0x430] ^= 1;
    put32(fadt_body + 4, ARENA + 0x800);
    table(arena + 0x600, "FACP", fadt_body, sizeof fadt_body);
    memcpy(arena + 0x800, "DSDT\xff\xff\xff\xff", 8); /* longer than memory */
    x86_rsdp = ARENA + 0x10;

    struct acpi_ecam e;
    struct acpi_virtio_mmio d;
    EXPECT(acpi_madt() != NULL && acpi_madt()->ncpus == 2);
    EXPECT(acpi_ecam(&e) < 0 && warnings == 1);
    EXPECT(acpi_present() && acpi_virtio_mmio(0, &d) < 0 && !acpi_power_off() && !acpi_reset());
    free(arena);
}

static void test_rsdp(void)
{
    uint8_t r[36] = "RSD PTR ";
    paddr_t root;
    bool wide;
    put32(r + 16, 0x1000);
    fix_checksum(r, 20, 8);
    EXPECT(acpi_rsdp(r, 20, &root, &wide) && root == 0x1000 && !wide);
    EXPECT(!acpi_rsdp(r, 19, &root, &wide));
    r[15] = 2;
    put64(r + 24, 0x2000);
    fix_checksum(r, 20, 8);
    fix_checksum(r, 36, 32);
    EXPECT(acpi_rsdp(r, 36, &root, &wide) && root == 0x2000 && wide);
    EXPECT(acpi_rsdp(r, 20, &root, &wide) && root == 0x1000 && !wide);
    r[33] ^= 1; /* a damaged second half: the first one counts */
    EXPECT(acpi_rsdp(r, 36, &root, &wide) && root == 0x1000 && !wide);
    r[16] ^= 1;
    EXPECT(!acpi_rsdp(r, 36, &root, &wide));
}

int main(void)
{
    test_madt();
    test_mcfg_and_fadt();
    test_s5();
    test_cba();
    test_virtio_devices();
    test_damage();
    test_search();
    test_rsdp();
    return unit_done();
}
