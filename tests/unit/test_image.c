/* sources: tests/unit/image_symbols.S */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Relocation against a simple encoder of RELR tables; kinds of pages; random placement. */
#define __data_start image_data_start /* the host's C runtime has one, too */
#include "platform/x86/image.c"

#include "unit.h"

#define PAGE  4096UL
#define WORDS 4096u /* of the image's data: 8 pages */
#define TABLE 1024u

static uint64_t seed = 0xda3e39cb94b95bdbULL;

/* A table as the ELF gABI describes it: an address, then bitmaps over 63 words each. */
/* Returns the number of entries. */
static size_t encode(const unsigned char *is_pointer)
{
    uint64_t link = IMAGE_LINK + (uint64_t)(__data_start - __image_start);
    size_t n = 0;

    for (size_t i = 0; i < WORDS;) {
        if (!is_pointer[i]) {
            i++;
            continue;
        }
        __relr_start[n++] = link + i++ * 8;
        for (;;) {
            uint64_t bits = 0;
            for (size_t k = 0; k < 63 && i + k < WORDS; k++) {
                bits |= (uint64_t)is_pointer[i + k] << (k + 1);
            }
            if (bits == 0) {
                break;
            }
            __relr_start[n++] = bits | 1;
            i += 63;
        }
    }
    for (size_t i = n; i < TABLE; i++) {
        __relr_start[i] = 1; /* nothing of the next 63 words */
    }
    return n;
}

static void relocation(void)
{
    uint64_t *data = (uint64_t *)(void *)__data_start;
    static unsigned char is_pointer[WORDS];
    static uint64_t before[WORDS];
    size_t most = 0;

    for (int round = 0; round < 300; round++) {
        uint64_t density = 1 + unit_random(&seed) % 300;
        for (size_t i = 0; i < WORDS; i++) {
            is_pointer[i] = unit_random(&seed) % density == 0;
            before[i] = data[i] = unit_random(&seed);
        }
        is_pointer[0] |= round % 2;
        is_pointer[WORDS - 1] |= round % 3 == 0;
        size_t n = encode(is_pointer);
        most = n > most ? n : most;
        intptr_t delta = (intptr_t)unit_random(&seed);
        image_relocate(delta);
        int same = 1;
        for (size_t i = 0; i < WORDS; i++) {
            same &= data[i] == before[i] + (is_pointer[i] ? (uint64_t)delta : 0);
        }
        EXPECT(same);
        image_relocate(0); /* nothing */
        image_relocate(-delta);
        EXPECT(memcmp(data, before, sizeof(before)) == 0);
    }
    EXPECT(most > 60 && most <= TABLE); /* dense and sparse ones were there */
}

static void kinds(void)
{
    static const enum image_kind want[] = {
        IMAGE_TEXT, IMAGE_TEXT, IMAGE_MONITOR_TEXT, IMAGE_MONITOR_TEXT, IMAGE_RODATA, IMAGE_RODATA,
        IMAGE_DATA, IMAGE_DATA, IMAGE_DATA, IMAGE_DATA,
        IMAGE_DATA, IMAGE_DATA, IMAGE_DATA, IMAGE_DATA,
        IMAGE_MONITOR_DATA, IMAGE_MONITOR_DATA,
    };

    EXPECT((uintptr_t)(__image_end - __image_start) == sizeof(want) / sizeof(want[0]) * PAGE);
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        EXPECT(image_kind_at(i * PAGE) == want[i]);
        EXPECT(image_kind_at(i * PAGE + PAGE - 1) == want[i]);
    }
}

static void placement(void)
{
    uint64_t seen_or[2] = {0}, seen_and[2] = {~0UL, ~0UL}, image, home, again;

    for (int round = 0; round < 20000; round++) {
        uint64_t npages = 1 + unit_random(&seed) % 20000;
        image_choose_bases(0, npages, &image, &home);
        uint64_t slot = image >> 39 & 511, last = (image + npages * PAGE - 1) >> 39 & 511;
        EXPECT(image % 65536 == 0 && image >> 48 == 0xffff);
        EXPECT(slot >= 272 && slot <= 510 && last == slot);
        EXPECT(home % (1UL << 39) == 0 && home >> 48 == 0xffff && (home >> 39 & 511) >= 272 &&
               (home >> 39 & 511) <= 510);
        EXPECT(slot != (home >> 39 & 511));
        seen_or[0] |= image;
        seen_and[0] &= image;
        seen_or[1] |= home;
        seen_and[1] &= home;
    }
    /* Each bit that may vary does: 16 to 46 of the image's address, 39 to 46 of RAM's. */
    EXPECT(((seen_or[0] & ~seen_and[0]) | 0xffff) == 0x00007fffffffffffUL);
    EXPECT((seen_or[1] & ~seen_and[1]) == 0x00007f8000000000UL);

    image_choose_bases(1, 100, &image, &home);
    image_choose_bases(1, 100, &again, &home);
    EXPECT(image == again && image == (0xffff000000000000UL | 300UL << 39));
}

int main(void)
{
    relocation();
    kinds();
    placement();
    return unit_done();
}
