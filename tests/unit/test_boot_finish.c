/* sources: platform/x86/boot_parse.c platform/x86/boot_finish.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What libos gets of RAM: never a page in use, and all the others. */
#include <x86/boot.h>

#include "unit.h"

#define PAGE 4096UL
#define MAP  1024u
#define HOME 0xffff900000000000UL

static uint64_t seed = 0x853c49e6748fea9bULL;

static uint64_t below(uint64_t n)
{
    return unit_random(&seed) % n;
}

static void *to_home(uint64_t pa)
{
    return (void *)(HOME + pa);
}

static uint64_t from_home(const void *p)
{
    return (uint64_t)p - HOME;
}

static void mark(unsigned char *map, uint64_t start, uint64_t end, unsigned char what)
{
    for (uint64_t p = start / PAGE; p < MAP && p * PAGE < end; p++) {
        map[p] = what;
    }
}

/* map: 0 nothing, 1 RAM, 2 in use. With few ranges nothing is dropped: free is what is 1. */
static void random_machines(void)
{
    for (int round = 0; round < 20000; round++) {
        static struct boot_raw raw;
        struct boot_info info = {0};
        struct boot_range skip[3];
        unsigned char map[MAP] = {0}, given[MAP] = {0};
        size_t total = 0, nmodules = 0;
        int twice = 0;

        memset(&raw, 0, sizeof(raw));
        raw.entry = "test";
        for (uint64_t n = 1 + below(6); n > 0; n--) {
            uint64_t start = below(MAP) * PAGE;
            boot_add_ram(&raw, start, start + below(200) * PAGE);
        }
        for (size_t i = 0; i < raw.nram; i++) {
            raw.ram[i].end = raw.ram[i].end < MAP * PAGE ? raw.ram[i].end : MAP * PAGE;
            mark(map, raw.ram[i].start, raw.ram[i].end, 1);
            total += raw.ram[i].end - raw.ram[i].start;
        }
        raw.nmodules = below(BOOT_MAX_MODULES + 2);
        for (size_t i = 0; i < raw.nmodules; i++) {
            struct boot_raw_module *m = &raw.module[i];
            m->start = below(MAP * PAGE);
            m->len = 1 + (below(2) ? below(3 * PAGE) : below(300 * PAGE));
            m->internal = i == BOOT_MAX_MODULES;
        }
        for (size_t i = 0; i < raw.nmodules; i++) {
            struct boot_raw_module *m = &raw.module[i];
            unsigned char all = 1;
            for (uint64_t p = m->start / PAGE; p * PAGE < m->start + m->len; p++) {
                all &= p < MAP && map[p] != 0;
            }
            nmodules += all && !m->internal;
        }
        for (size_t i = 0; i < raw.nmodules; i++) {
            mark(map, raw.module[i].start, raw.module[i].start + raw.module[i].len, 2);
        }
        for (size_t i = 0; i < 3; i++) {
            skip[i].start = below(MAP) * PAGE;
            skip[i].end = below(4) ? skip[i].start + below(64) * PAGE : 0;
            mark(map, skip[i].start, skip[i].end, 2);
        }
        boot_finish(&info, &raw, to_home, skip, 3);
        for (size_t i = 0; i < info.nram; i++) {
            for (size_t k = 0; k < info.ram[i].npages; k++) {
                uint64_t p = from_home(info.ram[i].start) / PAGE + k;
                twice |= p >= MAP || given[p];
                given[p < MAP ? p : 0] = 1;
            }
        }
        EXPECT(!twice);
        int same = 1;
        for (size_t p = 0; p < MAP; p++) {
            same &= given[p] == (map[p] == 1);
        }
        EXPECT(same);
        EXPECT(info.ram_total == total);
        EXPECT(info.nmodules == nmodules);
    }
}

/* More pieces than there is room for: no page in use among them, and the largest are there. */
static void pieces(void)
{
    for (int round = 0; round < 2000; round++) {
        static struct boot_raw raw;
        struct boot_info info = {0};
        static struct boot_range skip[100];
        uint64_t largest = 0;

        memset(&raw, 0, sizeof(raw));
        boot_add_ram(&raw, PAGE, 100000 * PAGE);
        uint64_t at = PAGE;
        for (int i = 0; i < 100; i++) {
            uint64_t free = (1 + below(500)) * PAGE;
            largest = free > largest ? free : largest;
            skip[i].start = at + free;
            skip[i].end = skip[i].start + PAGE;
            at = skip[i].end;
        }
        uint64_t rest = raw.ram[0].end - at;
        boot_finish(&info, &raw, to_home, skip, 100);
        EXPECT(info.nram == BOOT_MAX_RAM);
        int has_rest = 0, has_largest = 0, bad = 0;
        for (size_t i = 0; i < info.nram; i++) {
            uint64_t start = from_home(info.ram[i].start), bytes = info.ram[i].npages * PAGE;
            has_rest |= start == at && bytes == rest;
            has_largest |= bytes == largest;
            for (int k = 0; k < 100; k++) {
                bad |= skip[k].start < start + bytes && skip[k].end > start;
            }
        }
        EXPECT(has_rest && has_largest && !bad);
    }
}

static void modules(void)
{
    static struct boot_raw raw;
    struct boot_info info = {0};

    raw.entry = "test";
    boot_add_ram(&raw, 0x10000, 0x20000);
    raw.module[0] = (struct boot_raw_module){0x10123, 0x100, "first", false};
    raw.module[1] = (struct boot_raw_module){0x1ff00, 0x101, "one byte beyond RAM", false};
    raw.module[2] = (struct boot_raw_module){0x13000, 36, "", true};
    raw.module[3] = (struct boot_raw_module){0x1ff00, 0x100, "the last byte", false};
    raw.module[4] = (struct boot_raw_module){0x18000, UINT64_MAX - 0x18000, "everything", false};
    raw.nmodules = 4;
    boot_finish(&info, &raw, to_home, NULL, 0);
    EXPECT(info.nmodules == 2);
    EXPECT_STR(info.module[0].cmdline, "first");
    EXPECT(info.module[0].start == to_home(0x10123) && info.module[0].len == 0x100);
    EXPECT_STR(info.module[1].cmdline, "the last byte");
    EXPECT_STR(info.entry, "test");
    EXPECT(info.nram == 2 && info.ram[0].npages == 2 && info.ram[1].npages == 11);
    EXPECT(info.ram[0].start == to_home(0x11000) && info.ram[1].start == to_home(0x14000));

    memset(&info, 0, sizeof(info));
    raw.nmodules = 5;
    boot_finish(&info, &raw, to_home, NULL, 0);
    EXPECT(info.nmodules == 2 && info.nram == 2 && info.ram[1].npages == 4);
}

int main(void)
{
    random_machines();
    pieces();
    modules();
    return unit_done();
}
