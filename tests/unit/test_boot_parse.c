/* sources: platform/x86/boot_parse.c platform/x86/boot_parse_pvh.c platform/x86/boot_parse_mb2.c
 * platform/x86/boot_parse_linux.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The three boot protocols: structures as loaders make them, broken ones, and random damage. */
#include <errno.h>
#include <stdint.h>

#include <xen/xen.h>

#include <xen/arch-x86/hvm/start_info.h>

#include <x86/boot.h>

#include "fake_memory.h"
#include "unit.h"

#define KIB 1024UL
#define MIB (1UL << 20)

/* Where things lie in the fake memory: the structure itself, then what it points to. */
#define INFO    (FAKE_BASE)
#define MEMMAP  (FAKE_BASE + 0x1000)
#define MODULES (FAKE_BASE + 0x2000)
#define CMDLINE (FAKE_BASE + 0x2800)
#define STRING  (FAKE_BASE + 0x3800)

typedef int parser(struct boot_raw *raw, uint64_t pa, boot_reader *read);

static struct boot_raw raw;
static uint64_t seed = 0xd1b54a32d192ed03ULL;

static const struct boot_range want_ram[] = {{4 * KIB, 636 * KIB}, {1 * MIB, 128 * MIB}};

static int run(parser *parse)
{
    memset(&raw, 0, sizeof(raw));
    int rc = parse(&raw, INFO, fake_read);
    fake_forget();
    return rc;
}

static void fresh(void)
{
    memset(fake_memory, 0, sizeof(fake_memory));
    fake_put(CMDLINE, "one two -- three", 17);
    fake_put(STRING, "the module", 11);
}

static void expect_common(const char *entry, uint64_t rsdp)
{
    EXPECT_STR(raw.entry, entry);
    EXPECT_STR(raw.cmdline, "one two -- three");
    EXPECT(raw.rsdp == rsdp);
    EXPECT(raw.nram == 2 && memcmp(raw.ram, want_ram, sizeof(want_ram)) == 0);
}

/* ---- PVH ---- */

static struct hvm_start_info start_info(void)
{
    struct hvm_start_info info = {.magic = XEN_HVM_START_MAGIC_VALUE, .version = 1};
    info.nr_modules = 1;
    info.modlist_paddr = MODULES;
    info.cmdline_paddr = CMDLINE;
    info.rsdp_paddr = 0xf5b00;
    info.memmap_paddr = MEMMAP;
    info.memmap_entries = 4;
    return info;
}

static void make_pvh(void)
{
    const struct hvm_start_info info = start_info();
    const struct hvm_memmap_table_entry map[] = {
        {0, 639 * KIB, XEN_HVM_MEMMAP_TYPE_RAM, 0},
        {640 * KIB, 384 * KIB, XEN_HVM_MEMMAP_TYPE_RESERVED, 0},
        {MIB, 127 * MIB, XEN_HVM_MEMMAP_TYPE_RAM, 0},
        {UINT64_MAX - 4096, MIB, XEN_HVM_MEMMAP_TYPE_RAM, 0},
    };
    const struct hvm_modlist_entry module = {16 * MIB, 12345, STRING, 0};

    fresh();
    fake_put(INFO, &info, sizeof(info));
    fake_put(MEMMAP, map, sizeof(map));
    fake_put(MODULES, &module, sizeof(module));
}

static void pvh_valid(void)
{
    make_pvh();
    EXPECT(run(boot_parse_pvh) == 0);
    /* 639 KiB are cut to whole pages. */
    expect_common("pvh", 0xf5b00);
    EXPECT(raw.nmodules == 1 && raw.module[0].start == 16 * MIB && raw.module[0].len == 12345);
    EXPECT(!raw.module[0].internal);
    EXPECT_STR(raw.module[0].cmdline, "the module");
}

static void pvh_hostile(void)
{
    struct hvm_start_info info = start_info();

    make_pvh();
    EXPECT(boot_parse_pvh(&raw, FAKE_BASE + FAKE_BYTES - 8, fake_read) == -EINVAL);
    fake_put32(INFO, 0x12345678);
    EXPECT(run(boot_parse_pvh) == -EINVAL);

    info.version = 0; /* no memory map, whatever stands there */
    fake_put(INFO, &info, sizeof(info));
    EXPECT(run(boot_parse_pvh) == -ENOENT);
    EXPECT(raw.nmodules == 1 && raw.nram == 0);

    info = start_info();
    info.memmap_entries = 0;
    fake_put(INFO, &info, sizeof(info));
    EXPECT(run(boot_parse_pvh) == -EINVAL);

    info = start_info(); /* tables that never end, and whose entries are empty */
    info.memmap_entries = info.nr_modules = UINT32_MAX;
    info.modlist_paddr = FAKE_BASE + 0x3c00;
    fake_put(INFO, &info, sizeof(info));
    memset(&raw, 0, sizeof(raw));
    EXPECT(boot_parse_pvh(&raw, INFO, fake_read) == 0);
    EXPECT(raw.nmodules == 0 && fake_reads < 4096 && !fake_too_many());
    fake_forget();

    info = start_info(); /* tables at the end of the address space */
    info.memmap_paddr = info.modlist_paddr = UINT64_MAX - 7;
    info.cmdline_paddr = UINT64_MAX;
    fake_put(INFO, &info, sizeof(info));
    EXPECT(run(boot_parse_pvh) == -EINVAL);
    EXPECT(raw.nmodules == 0 && raw.cmdline[0] == '\0');
}

/* More modules than there is room for; one that wraps around and one without bytes among them. */
static void pvh_modules(void)
{
    struct hvm_start_info info = start_info();
    struct hvm_modlist_entry module[BOOT_MAX_MODULES + 4] = {0};

    make_pvh();
    info.nr_modules = BOOT_MAX_MODULES + 4;
    fake_put(INFO, &info, sizeof(info));
    for (unsigned i = 0; i < BOOT_MAX_MODULES + 4; i++) {
        module[i] = (struct hvm_modlist_entry){i * MIB, i, 0, 0}; /* the first has no bytes */
    }
    module[1].size = UINT64_MAX;
    fake_put(MODULES, module, sizeof(module));
    EXPECT(run(boot_parse_pvh) == 0);
    EXPECT(raw.nmodules == BOOT_MAX_MODULES);
    EXPECT(raw.module[0].start == 2 * MIB);
    EXPECT(raw.module[BOOT_MAX_MODULES - 1].len == BOOT_MAX_MODULES + 1);
}

/* ---- multiboot2 ---- */

static uint64_t mb2_end;

static void tag(uint32_t type, const void *data, uint32_t bytes)
{
    fake_put32(mb2_end, type);
    fake_put32(mb2_end + 4, bytes + 8);
    fake_put(mb2_end + 8, data, bytes);
    mb2_end += (bytes + 15) & ~7UL;
    fake_put32(INFO, (uint32_t)(mb2_end - INFO));
}

struct mmap_tag {
    uint32_t entry_size, version;
    struct {
        uint64_t addr, len;
        uint32_t type, zero;
    } e[4];
};

static const struct mmap_tag mmap_tag = {24, 0, {{0, 639 * KIB, 1, 0}, {640 * KIB, 384 * KIB, 2, 0},
    {MIB, 127 * MIB, 1, 0}, {UINT64_MAX - 4096, MIB, 1, 0}}};

static const struct {
    uint32_t start, end;
    char name[12];
} module_tag = {16 << 20, (16 << 20) + 12345, "the module"};

static void begin_mb2(void)
{
    fresh();
    mb2_end = INFO + 8;
}

static uint64_t make_mb2(void)
{
    char rsdp[36] = "RSD PTR ";

    begin_mb2();
    tag(1, "one two -- three", 17);
    tag(2, "GRUB", 5); /* the loader's name */
    tag(3, &module_tag, sizeof(module_tag));
    tag(6, &mmap_tag, sizeof(mmap_tag));
    tag(14, rsdp, 20);
    tag(15, rsdp, 36);
    uint64_t at = mb2_end - 40;
    tag(0, "", 0);
    return at;
}

static void mb2_valid(void)
{
    uint64_t rsdp = make_mb2();

    EXPECT(run(boot_parse_multiboot2) == 0);
    expect_common("multiboot2", rsdp);
    EXPECT(raw.nmodules == 2 && raw.module[0].start == 16 * MIB && raw.module[0].len == 12345);
    EXPECT(!raw.module[0].internal);
    EXPECT_STR(raw.module[0].cmdline, "the module");
    EXPECT(raw.module[1].internal && raw.module[1].start == rsdp && raw.module[1].len == 36);
}

/* More modules than there is room for: the RSDP has its place all the same. */
static void mb2_modules(void)
{
    begin_mb2();
    for (unsigned i = 0; i < BOOT_MAX_MODULES + 3; i++) {
        tag(3, &module_tag, sizeof(module_tag));
    }
    tag(6, &mmap_tag, sizeof(mmap_tag));
    tag(14, "RSD PTR xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 36);
    EXPECT(run(boot_parse_multiboot2) == 0);
    EXPECT(raw.nmodules == BOOT_MAX_MODULES + 1);
    for (unsigned i = 0; i < raw.nmodules; i++) {
        EXPECT(raw.module[i].internal == (i == BOOT_MAX_MODULES));
    }
}

static void mb2_hostile(void)
{
    static const uint32_t totals[] = {0, 8, 15, 0x100001, UINT32_MAX};
    struct mmap_tag bad = mmap_tag;

    for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
        make_mb2();
        fake_put32(INFO, totals[i]);
        EXPECT(run(boot_parse_multiboot2) == -EINVAL);
    }
    make_mb2();
    fake_put32(INFO, 0x10000); /* more than can be read */
    EXPECT(run(boot_parse_multiboot2) == 0);
    EXPECT(boot_parse_multiboot2(&raw, FAKE_BASE - 8, fake_read) == -EINVAL);

    static const uint32_t sizes[] = {0, 7, 0x10000, UINT32_MAX}; /* of the first tag */
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        make_mb2();
        fake_put32(INFO + 12, sizes[i]);
        EXPECT(run(boot_parse_multiboot2) == -EINVAL);
    }
    static const uint32_t steps[] = {0, 1, 23, 1000, 0xfffffff0, UINT32_MAX}; /* of the map */
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        begin_mb2();
        bad.entry_size = steps[i];
        tag(6, &bad, sizeof(bad));
        EXPECT(run(boot_parse_multiboot2) == -EINVAL);
        EXPECT(raw.nram == 0);
    }
    begin_mb2(); /* a memory map, a module and an RSDP that end where their fields should begin */
    tag(6, &mmap_tag, 8);
    tag(3, &module_tag, 4);
    tag(3, &module_tag, 0);
    tag(14, "RSD PTR ", 8);
    tag(6, &mmap_tag, sizeof(mmap_tag));
    EXPECT(run(boot_parse_multiboot2) == 0);
    EXPECT(raw.nmodules == 0 && raw.rsdp == 0 && raw.nram == 2);

    begin_mb2(); /* a string without its NUL does not go on into the next tag */
    tag(1, "sixteen letters.", 16);
    tag(3, &(uint32_t[]){100, 50}, 8);
    tag(3, &(char[]){0, 0, 1, 0, 0, 0, 2, 0, 'n', 'a', 'm', 'e', 's', '!', '!', '!'}, 16);
    tag(6, &mmap_tag, sizeof(mmap_tag));
    EXPECT(run(boot_parse_multiboot2) == 0);
    EXPECT_STR(raw.cmdline, "sixteen letters.");
    EXPECT(raw.nmodules == 1);
    EXPECT_STR(raw.module[0].cmdline, "names!!!");
}

/* ---- Linux ---- */

#define E820_COUNT (INFO + 0x1e8)

static void e820(unsigned i, uint64_t addr, uint64_t size, uint32_t type)
{
    fake_put64(INFO + 0x2d0 + i * 20, addr);
    fake_put64(INFO + 0x2d0 + i * 20 + 8, size);
    fake_put32(INFO + 0x2d0 + i * 20 + 16, type);
    unsigned char n = (unsigned char)(i + 1);
    fake_put(E820_COUNT, &n, 1);
}

static void make_linux(void)
{
    fresh();
    e820(0, 0, 639 * KIB, 1);
    e820(1, 640 * KIB, 384 * KIB, 2);
    e820(2, MIB, 127 * MIB, 1);
    e820(3, UINT64_MAX - 4096, MIB, 1);
    fake_put64(INFO + 0x70, 0xe0000);
    fake_put32(INFO + 0x218, 16 << 20);
    fake_put32(INFO + 0x21c, 12345);
    fake_put32(INFO + 0x228, CMDLINE);
}

static void linux_valid(void)
{
    make_linux();
    EXPECT(run(boot_parse_linux64) == 0);
    expect_common("linux64", 0xe0000);
    EXPECT(raw.nmodules == 1 && raw.module[0].start == 16 * MIB && raw.module[0].len == 12345);

    fake_put32(INFO + 0x0c0, 1); /* the high halves: above 4 GiB */
    fake_put32(INFO + 0x0c4, 2);
    EXPECT(run(boot_parse_linux64) == 0);
    EXPECT(raw.module[0].start == 4096 * MIB + 16 * MIB && raw.module[0].len == 8192 * MIB + 12345);
}

static void linux_hostile(void)
{
    make_linux();
    EXPECT(boot_parse_linux64(&raw, FAKE_BASE + FAKE_BYTES - 4095, fake_read) == -EINVAL);
    fake_put(E820_COUNT, "", 1);
    EXPECT(run(boot_parse_linux64) == -EINVAL);

    make_linux(); /* more entries than the table has room for */
    for (unsigned i = 0; i < 128; i++) {
        e820(i, (uint64_t)i * 4 * MIB, MIB, 1);
    }
    fake_put(E820_COUNT, "\377", 1);
    EXPECT(run(boot_parse_linux64) == 0);
    EXPECT(raw.nram == BOOT_MAX_RAM);

    make_linux();
    fake_put32(INFO + 0x0c0, UINT32_MAX); /* wraps around */
    fake_put32(INFO + 0x0c4, UINT32_MAX);
    fake_put32(INFO + 0x0c8, UINT32_MAX);
    EXPECT(run(boot_parse_linux64) == 0);
    EXPECT(raw.nmodules == 0 && raw.cmdline[0] == '\0');
}

/* ---- damage ---- */

static int is_sound(void)
{
    for (size_t i = 0; i < raw.nram; i++) {
        const struct boot_range *r = &raw.ram[i];
        if (r->start == 0 || r->start >= r->end || (r->start | r->end) % 4096 ||
            r->end > 512UL << 30) {
            return 0;
        }
    }
    for (size_t i = 0; i < raw.nmodules; i++) {
        const struct boot_raw_module *m = &raw.module[i];
        if (m->start + m->len < m->start || m->len == 0 ||
            memchr(m->cmdline, '\0', sizeof(m->cmdline)) == NULL) {
            return 0;
        }
    }
    return raw.nram <= BOOT_MAX_RAM && raw.nmodules <= BOOT_MAX_MODULES + 1 &&
           memchr(raw.cmdline, '\0', sizeof(raw.cmdline)) != NULL;
}

static const uint32_t telling[] = {0, 1, 7, 8, 0xffff, 0x7fffffff, 1u << 31, 0xfffffff8,
                                   UINT32_MAX};

/* Words and bits of the structure at random, thousands of times; `bytes` of it matter. */
static void damage(parser *parse, void (*make)(void), uint64_t bytes)
{
    unsigned wrong = 0, refused = 0;

    for (int round = 0; round < 4000; round++) {
        make();
        for (uint64_t n = 1 + unit_random(&seed) % 6; n > 0; n--) {
            uint64_t where = INFO + unit_random(&seed) % bytes;
            if (unit_random(&seed) % 3 == 0) {
                where = MEMMAP + unit_random(&seed) % (FAKE_BYTES - 0x1000 - 8);
            }
            switch (unit_random(&seed) % 4) {
            case 0:
                fake_put32(where & ~3UL, (uint32_t)unit_random(&seed));
                break;
            case 1:
                fake_put32(where & ~3UL, telling[unit_random(&seed) % 9]);
                break;
            case 2:
                fake_put64(where & ~7UL, unit_random(&seed) >> unit_random(&seed) % 64);
                break;
            default:
                fake_memory[where - FAKE_BASE] ^= 1 << unit_random(&seed) % 8;
                break;
            }
        }
        memset(&raw, 0, sizeof(raw));
        refused += parse(&raw, INFO, fake_read) != 0;
        wrong += fake_too_many() || !is_sound();
        fake_forget();
    }
    EXPECT(wrong == 0);
    EXPECT(refused > 0 && refused < 4000); /* it does reach the code behind the first check */
}

static void make_mb2_only(void)
{
    make_mb2();
}

int main(void)
{
    _Static_assert(FAKE_BASE % 8 == 0, "multiboot2 information is aligned");
    pvh_valid();
    pvh_hostile();
    pvh_modules();
    mb2_valid();
    mb2_modules();
    mb2_hostile();
    linux_valid();
    linux_hostile();
    damage(boot_parse_pvh, make_pvh, sizeof(struct hvm_start_info));
    damage(boot_parse_multiboot2, make_mb2_only, 0x130);
    damage(boot_parse_linux64, make_linux, 0x330);
    return unit_done();
}
