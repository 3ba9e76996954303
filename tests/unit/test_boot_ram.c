/* sources: platform/x86/boot_parse.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The RAM list, strings and options of boot: against a bitmap that is too simple to be wrong. */
#include <x86/boot.h>

#include "fake_memory.h"
#include "unit.h"

#define PAGE  4096UL
#define LIMIT (512UL << 30)
#define MAP   512u /* pages of the reference */

static uint64_t seed = 0x9e3779b97f4a7c15ULL;

static uint64_t below(uint64_t n)
{
    return unit_random(&seed) % n;
}

/* Sorted, whole pages, no two that touch, nothing at 0. */
static int is_sound(const struct boot_raw *raw)
{
    for (size_t i = 0; i < raw->nram; i++) {
        const struct boot_range *r = &raw->ram[i];
        if (r->start == 0 || r->start >= r->end || r->start % PAGE || r->end % PAGE ||
            r->end > LIMIT || (i > 0 && r->start <= raw->ram[i - 1].end)) {
            return 0;
        }
    }
    return raw->nram <= BOOT_MAX_RAM;
}

static int is_ram(const struct boot_raw *raw, uint64_t page)
{
    for (size_t i = 0; i < raw->nram; i++) {
        if (page * PAGE >= raw->ram[i].start && page * PAGE < raw->ram[i].end) {
            return 1;
        }
    }
    return 0;
}

/* Few enough ranges that none is dropped: the list is what the bitmap says, page by page. */
static void random_ranges(void)
{
    for (int round = 0; round < 20000; round++) {
        static struct boot_raw raw;
        unsigned char map[MAP] = {0};
        int same = 1;

        memset(&raw, 0, sizeof(raw));
        for (uint64_t n = below(BOOT_MAX_RAM + 1); n > 0; n--) {
            uint64_t start = below(MAP * PAGE), end = below(MAP * PAGE);
            if (below(2)) {
                end = start + below(8 * PAGE);
            }
            if (below(2)) {
                start &= ~(PAGE - 1);
                end &= ~(PAGE - 1);
            }
            boot_add_ram(&raw, start, end);
            for (uint64_t p = 1; p < MAP; p++) {
                map[p] |= p * PAGE >= start && (p + 1) * PAGE <= end;
            }
        }
        for (uint64_t p = 0; p < MAP; p++) {
            same &= is_ram(&raw, p) == map[p];
        }
        EXPECT(same);
        EXPECT(is_sound(&raw));
    }
}

/* More ranges than there is room for: what is kept was given, and no larger one is missing. */
static void too_many(void)
{
    for (int round = 0; round < 2000; round++) {
        static struct boot_raw raw;
        uint64_t pages[200], order[200], sum = 0, best = 0;
        unsigned n = BOOT_MAX_RAM + 1 + (unsigned)below(200 - BOOT_MAX_RAM);

        memset(&raw, 0, sizeof(raw));
        for (unsigned i = 0; i < n; i++) {
            pages[i] = 1 + below(1000);
            order[i] = i;
        }
        for (unsigned i = n - 1; i > 0; i--) {
            uint64_t k = below(i + 1), t = order[i];
            order[i] = order[k];
            order[k] = t;
        }
        for (unsigned i = 0; i < n; i++) {
            uint64_t start = (order[i] + 1) << 30;
            boot_add_ram(&raw, start, start + pages[order[i]] * PAGE);
        }
        EXPECT(is_sound(&raw));
        EXPECT(raw.nram == BOOT_MAX_RAM);
        for (size_t i = 0; i < raw.nram; i++) {
            uint64_t which = (raw.ram[i].start >> 30) - 1;
            EXPECT(which < n && raw.ram[i].end - raw.ram[i].start == pages[which] * PAGE);
            sum += raw.ram[i].end - raw.ram[i].start;
        }
        for (unsigned i = 0; i < n; i++) { /* the sum of the largest: selection, one by one */
            for (unsigned k = i + 1; k < n; k++) {
                if (pages[k] > pages[i]) {
                    uint64_t t = pages[i];
                    pages[i] = pages[k];
                    pages[k] = t;
                }
            }
            best += i < BOOT_MAX_RAM ? pages[i] * PAGE : 0;
        }
        EXPECT(sum == best);
    }
}

/* A full list: one range that touches several of them still merges them. */
static void full_merges(void)
{
    struct boot_raw raw = {0};

    for (uint64_t i = 0; i < BOOT_MAX_RAM; i++) {
        boot_add_ram(&raw, (2 * i + 1) * PAGE, (2 * i + 2) * PAGE);
    }
    EXPECT(raw.nram == BOOT_MAX_RAM);
    boot_add_ram(&raw, 1000 * PAGE, 1001 * PAGE); /* no larger than any: dropped */
    EXPECT(raw.nram == BOOT_MAX_RAM && raw.ram[BOOT_MAX_RAM - 1].end == 2 * BOOT_MAX_RAM * PAGE);
    boot_add_ram(&raw, 1000 * PAGE, 1002 * PAGE);
    EXPECT(raw.nram == BOOT_MAX_RAM && raw.ram[BOOT_MAX_RAM - 1].end == 1002 * PAGE);
    boot_add_ram(&raw, 4 * PAGE, 9 * PAGE);
    EXPECT(raw.nram == BOOT_MAX_RAM - 3 && is_sound(&raw));
    boot_add_ram(&raw, 0, UINT64_MAX);
    EXPECT(raw.nram == 1 && raw.ram[0].start == PAGE && raw.ram[0].end == LIMIT);
}

static void limits(void)
{
    static const struct {
        uint64_t start, end, want_start, want_end; /* want 0: nothing */
    } cases[] = {
        {0, 0, 0, 0},
        {0, PAGE, 0, 0},
        {0, PAGE * 2, PAGE, PAGE * 2},
        {1, PAGE * 2 - 1, 0, 0},
        {PAGE + 1, PAGE * 3 - 1, PAGE * 2, PAGE * 2 + 0},
        {PAGE - 1, PAGE * 3 + 1, PAGE, PAGE * 3},
        {PAGE * 5, PAGE * 4, 0, 0},
        {UINT64_MAX - PAGE, UINT64_MAX, 0, 0},
        {UINT64_MAX, UINT64_MAX, 0, 0},
        {UINT64_MAX, 0, 0, 0},
        {LIMIT - PAGE, LIMIT + PAGE, LIMIT - PAGE, LIMIT},
        {LIMIT - PAGE, UINT64_MAX, LIMIT - PAGE, LIMIT},
        {LIMIT, LIMIT + PAGE, 0, 0},
        {LIMIT - 1, UINT64_MAX, 0, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct boot_raw raw = {0};
        boot_add_ram(&raw, cases[i].start, cases[i].end);
        if (cases[i].want_start >= cases[i].want_end) {
            EXPECT(raw.nram == 0);
        } else {
            EXPECT(raw.nram == 1 && raw.ram[0].start == cases[i].want_start &&
                   raw.ram[0].end == cases[i].want_end);
        }
    }
}

static void hostile(void)
{
    for (int round = 0; round < 2000; round++) {
        struct boot_raw raw = {0};
        for (int i = 0; i < 100; i++) {
            uint64_t start = unit_random(&seed) >> below(64), end = unit_random(&seed) >> below(64);
            boot_add_ram(&raw, start, below(3) ? end : start + end);
        }
        EXPECT(is_sound(&raw));
    }
}

static void strings(void)
{
    char dst[8];

    fake_put(FAKE_BASE, "abcdefghij", 11);
    boot_copy_string(dst, sizeof(dst), FAKE_BASE, fake_read);
    EXPECT_STR(dst, "abcdefg");
    boot_copy_string(dst, sizeof(dst), FAKE_BASE + 5, fake_read);
    EXPECT_STR(dst, "fghij");
    boot_copy_string(dst, 1, FAKE_BASE, fake_read);
    EXPECT_STR(dst, "");
    boot_copy_string(dst, sizeof(dst), 0, fake_read);
    EXPECT_STR(dst, "");
    fake_put(FAKE_BASE + FAKE_BYTES - 3, "xyz", 3); /* the end of memory, no NUL */
    boot_copy_string(dst, sizeof(dst), FAKE_BASE + FAKE_BYTES - 3, fake_read);
    EXPECT_STR(dst, "xyz");
    boot_copy_string(dst, sizeof(dst), UINT64_MAX, fake_read);
    EXPECT_STR(dst, "");
    fake_forget();
}

static void options(void)
{
    EXPECT(boot_option("base=fixed", "base=fixed"));
    EXPECT(boot_option("  a  base=fixed  b", "base=fixed"));
    EXPECT(boot_option("a base=fixed -- x", "base=fixed"));
    EXPECT(!boot_option("", "base=fixed"));
    EXPECT(!boot_option("    ", "base=fixed"));
    EXPECT(!boot_option("base=fixed2", "base=fixed"));
    EXPECT(!boot_option("xbase=fixed", "base=fixed"));
    EXPECT(!boot_option("base=fixe", "base=fixed"));
    EXPECT(!boot_option("base= fixed", "base=fixed"));
    EXPECT(!boot_option("-- base=fixed", "base=fixed"));
    EXPECT(!boot_option("a -- base=fixed", "base=fixed"));
    EXPECT(boot_option("--- base=fixed", "base=fixed"));
    EXPECT(boot_option("a-- base=fixed", "base=fixed"));
}

int main(void)
{
    random_ranges();
    too_many();
    full_merges();
    limits();
    hostile();
    strings();
    options();
    return unit_done();
}
