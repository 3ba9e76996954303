/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a loader has handed over, seen from the program.
 *
 *     loaded ENTRY moved|fixed rsdp|- [SIZE:WORDS]...
 *
 * Each SIZE:WORDS is a module with its own command line; tests/runner/boot.py makes the same bytes.
 * All free memory is overwritten, so that whatever of it was in use shows.
 */
#include <check.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pith/machine.h>
#include <pith/page.h>
#include <x86/boot.h>
#include <x86/image.h>
#include <x86/mem.h>

#define RSDP_BYTES 36 /* ACPI 6.5, 5.2.5.3; the first 20 have a checksum of their own */
#define RSDP_V1    20

static int count;
static char **words;
static unsigned char rsdp_before[RSDP_BYTES];

static const unsigned char *rsdp(void)
{
    return x86_rsdp ? mem_map_firmware(x86_rsdp, RSDP_BYTES) : NULL;
}

/* Where things are, for whoever reads the log. */
static void show(void)
{
    const struct boot_info *info = machine_boot_info();
    size_t len;

    printf("image %#lx, rsdp %#lx\n", mem_to_paddr(__image_start, 1, &len), x86_rsdp);
    for (size_t i = 0; i < info->nram; i++) {
        const struct boot_ram *ram = &info->ram[i];
        printf("free %#lx, %zu pages\n", mem_to_paddr(ram->start, 1, &len), ram->npages);
    }
    for (size_t i = 0; i < info->nmodules; i++) {
        const struct boot_module *m = &info->module[i];
        printf("module %#lx, %zu bytes\n", mem_to_paddr(m->start, 1, &len), m->len);
    }
}

static void entry(void)
{
    const char *have = machine_boot_info()->entry;
    if (strcmp(have, words[1]) != 0) {
        CHECK_FAIL("the entry is %s", have);
    }
}

static void place(void)
{
    size_t len;
    paddr_t at = mem_to_paddr(__image_start, 1, &len);
    CHECK_EQ(at % 4096, 0);
    if (strcmp(words[2], "fixed") == 0) {
        CHECK_EQ(at, IMAGE_LINK);
    } else {
        CHECK(at > IMAGE_LINK);
    }
}

static void check_module(unsigned number, const char *description)
{
    const struct boot_module *m = &machine_boot_info()->module[number];
    char *name;
    size_t size = strtoul(description, &name, 10);
    const unsigned char *bytes = m->start;

    CHECK_EQ(m->len, size);
    if (strcmp(m->cmdline, name + 1) != 0) {
        CHECK_FAIL("module %u has the words \"%s\"", number, m->cmdline);
    }
    for (size_t i = 0; i < size && i < m->len; i++) {
        unsigned char want = (unsigned char)(i * 7 + (i >> 8) * 13 + number * 31 + 5);
        if (bytes[i] != want) {
            CHECK_FAIL("module %u, byte %zu: %u and not %u", number, i, bytes[i], want);
            return;
        }
    }
}

static void modules(void)
{
    CHECK_EQ(machine_boot_info()->nmodules, count - 4);
    for (int i = 4; i < count && (size_t)(i - 4) < machine_boot_info()->nmodules; i++) {
        check_module((unsigned)i - 4, words[i]);
    }
}

static void root_pointer(void)
{
    const unsigned char *p = rsdp();
    unsigned char sum = 0;

    if (strcmp(words[3], "-") == 0) {
        CHECK(p == NULL);
        return;
    }
    if (!CHECK(p != NULL)) {
        return;
    }
    for (unsigned i = 0; i < RSDP_V1; i++) {
        sum = (unsigned char)(sum + p[i]);
    }
    CHECK(memcmp(p, "RSD PTR ", 8) == 0);
    CHECK_EQ(sum, 0);
    memcpy(rsdp_before, p, RSDP_BYTES);
}

/* Free RAM is RAM, in one piece per range, and nothing that the loader left lies in it. */
static void ranges(void)
{
    const struct boot_info *info = machine_boot_info();
    size_t sum = 0;

    for (size_t i = 0; i < info->nram; i++) {
        size_t bytes = info->ram[i].npages * PAGE_SIZE, len = 0;
        paddr_t at = mem_to_paddr(info->ram[i].start, bytes, &len);
        CHECK(at != PADDR_NONE && at % PAGE_SIZE == 0);
        CHECK_EQ(len, bytes);
        CHECK(x86_rsdp + RSDP_BYTES <= at || x86_rsdp >= at + bytes);
        sum += bytes;
        for (size_t k = 0; k < info->nmodules; k++) {
            const char *m = info->module[k].start, *ram = info->ram[i].start;
            CHECK(m + info->module[k].len <= ram || ram + bytes <= m);
        }
    }
    CHECK(sum <= info->ram_total);
    /* Image, page tables and modules are a few MiB at the most. */
    CHECK(info->ram_total - sum < (4UL << 20));
}

/* Take and overwrite everything; then what the loader left must still be there. */
static void overwrite(void)
{
    char *taken = NULL;
    size_t npages = 0;

    for (int order = PAGE_MAX_ORDER; order >= 0; order--) {
        for (char *block; (block = page_alloc((unsigned)order)) != NULL;) {
            memset(block, 0xa5, PAGE_SIZE << order);
            memcpy(block, &taken, sizeof(taken));
            memcpy(block + 8, &order, sizeof(order));
            taken = block;
            npages += 1UL << order;
        }
    }
    bool kept = rsdp() == NULL || memcmp(rsdp(), rsdp_before, RSDP_BYTES) == 0;
    modules();
    entry();
    while (taken) {
        char *block = taken;
        unsigned order;
        memcpy(&taken, block, sizeof(taken));
        memcpy(&order, block + 8, sizeof(order));
        page_free(block, order);
    }
    CHECK(kept);
    CHECK(npages > 100);
}

int main(int argc, char **argv)
{
    count = argc;
    words = argv;
    if (argc < 4) {
        printf("usage: loaded ENTRY moved|fixed rsdp|- [SIZE:WORDS]...\n");
        return 2;
    }
    show();
    check_run("entry", entry);
    check_run("place", place);
    check_run("root_pointer", root_pointer);
    check_run("modules", modules);
    check_run("ranges", ranges);
    check_run("overwrite", overwrite);
    return check_done();
}
