/* sources: libos/core/symbols.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The image's table of function names, both sides: toolchain/image/mksyms.c makes one for an
 * assembled program, symbol_table_lookup() must find every function in it, and must survive any
 * damage to it.
 */
#include <errno.h>
#include <pith/symbols.h>

#include "unit.h"

#define NFUNCTIONS 600
#define NAME_SIZE  64
#define DIRECTORY  "build/unit/"

/* The linker places these in an image; here the image carries no table. */
__asm__(".globl __image_start, __symtab_start, __symtab_end\n"
        ".pushsection .rodata\n__image_start: __symtab_start: __symtab_end: .byte 0\n.popsection");

static char names[NFUNCTIONS][NAME_SIZE];
static uint64_t starts[NFUNCTIONS + 1];

/* A program of NFUNCTIONS functions with known sizes, and the table that the tool makes of it. */
static uint8_t *make_table(size_t *size)
{
    static const char *const words[] = { "page", "virtio", "net", "alloc", "init", "x", "_", "lock" };
    uint64_t seed = 42;

    FILE *source = fopen(DIRECTORY "symbols_image.S", "w");
    fprintf(source, ".globl __image_start, _start\n.text\n__image_start:\n_start:\n.skip 16\n");
    starts[0] = 16;
    for (int i = 0; i < NFUNCTIONS; i++) {
        unsigned bytes = 1 + unit_random(&seed) % (i % 50 == 0 ? 40000 : 200);
        snprintf(names[i], NAME_SIZE, "%s_%s_%s_%d", words[unit_random(&seed) % 8],
                 words[unit_random(&seed) % 8], words[unit_random(&seed) % 8], i);
        starts[i + 1] = starts[i] + bytes;
        /* Names at the same place: a global function is preferred to a label and a local one. */
        fprintf(source, "%s%s\n.type %s, @function\nlabel%d:\n%s:\n.skip %u\n",
                i % 3 == 0 ? ".globl " : "# ", names[i], names[i], i, names[i], bytes);
    }
    fclose(source);
    EXPECT(system("gcc -O1 toolchain/image/mksyms.c -o " DIRECTORY "mksyms && "
                  "gcc -nostdlib -static -Wl,--build-id=none " DIRECTORY "symbols_image.S -o "
                  DIRECTORY "symbols_image.elf && " DIRECTORY "mksyms " DIRECTORY
                  "symbols_image.elf " DIRECTORY "symbols_table") == 0);

    FILE *table = fopen(DIRECTORY "symbols_table", "r");
    if (table == NULL) {
        EXPECT(table != NULL);
        exit(unit_done());
    }
    uint8_t *bytes = malloc(1 << 20);
    *size = fread(bytes, 1, 1 << 20, table);
    fclose(table);
    return realloc(bytes, *size); /* the exact size: AddressSanitizer sees each byte too many */
}

static void test_every_function(const uint8_t *table, size_t size)
{
    char name[NAME_SIZE];
    size_t offset;

    for (int i = 0; i < NFUNCTIONS; i++) {
        EXPECT(symbol_table_lookup(table, size, starts[i], name, sizeof(name), &offset) == 0);
        EXPECT_STR(name, names[i]);
        EXPECT(offset == 0);
        uint64_t last = starts[i + 1] - 1;
        EXPECT(symbol_table_lookup(table, size, last, name, sizeof(name), &offset) == 0);
        EXPECT_STR(name, names[i]);
        EXPECT(offset == last - starts[i]);
    }
}

static void test_edges(const uint8_t *table, size_t size)
{
    char name[NAME_SIZE] = "old";
    char tiny[4];
    size_t offset;

    EXPECT(symbol_table_lookup(table, size, 0, name, sizeof(name), NULL) == 0);
    EXPECT_STR(name, "_start");
    EXPECT(symbol_table_lookup(table, size, starts[NFUNCTIONS], name, sizeof(name), NULL) == -ENOENT);
    EXPECT(symbol_table_lookup(table, size, UINT64_MAX, name, sizeof(name), NULL) == -ENOENT);
    EXPECT_STR(name, "");
    EXPECT(symbol_table_lookup(table, size, starts[7], tiny, sizeof(tiny), &offset) == 0);
    EXPECT(strlen(tiny) == 3 && strncmp(tiny, names[7], 3) == 0);
    EXPECT(symbol_table_lookup(table, size, starts[7], tiny, 1, &offset) == 0);
    EXPECT_STR(tiny, "");
    EXPECT(symbol_table_lookup(table, 0, 0, name, sizeof(name), NULL) == -ENOENT);
    EXPECT(symbol_lookup((uintptr_t)&size, name, sizeof(name), NULL) == -ENOENT);
    EXPECT(symbol_lookup(0, name, sizeof(name), NULL) == -ENOENT);
    /* Compression is the point of the format. */
    size_t plain = 0;
    for (int i = 0; i < NFUNCTIONS; i++) {
        plain += strlen(names[i]) + 1 + sizeof(uint32_t);
    }
    EXPECT(size < plain * 6 / 10);
}

/* Whatever the bytes are, the lookup ends, stays inside of the table, and ends the name with NUL. */
static void test_damage(const uint8_t *table, size_t size)
{
    char name[NAME_SIZE];
    uint64_t seed = 7;
    unsigned refused = 0;

    for (int round = 0; round < 2000; round++) {
        size_t cut = round % 4 == 0 ? unit_random(&seed) % size : size;
        uint8_t *copy = malloc(cut + (cut == 0));
        memcpy(copy, table, cut);
        for (unsigned i = 0; cut > 0 && i < 1 + unit_random(&seed) % 8; i++) {
            copy[unit_random(&seed) % (i % 2 == 0 ? cut : cut < 300 ? cut : 300)] =
                (uint8_t)unit_random(&seed);
        }
        memset(name, 'x', sizeof(name));
        int error = symbol_table_lookup(copy, cut, unit_random(&seed) % starts[NFUNCTIONS], name,
                                        sizeof(name), NULL);
        EXPECT(memchr(name, 0, sizeof(name)) != NULL);
        EXPECT(error == 0 || error == -EINVAL || error == -ENOENT);
        refused += error == -EINVAL;
        free(copy);
    }
    EXPECT(refused > 100);
    /* A pair that contains itself must not run for ever. */
    uint8_t *copy = malloc(size);
    memcpy(copy, table, size);
    for (int i = 0; i < 256; i++) {
        copy[12 + i] = 0xff;
    }
    EXPECT(symbol_table_lookup(copy, size, starts[7], name, sizeof(name), NULL) == -EINVAL);
    free(copy);
}

int main(void)
{
    size_t size;
    uint8_t *table = make_table(&size);

    test_every_function(table, size);
    test_edges(table, size);
    test_damage(table, size);
    free(table);
    return unit_done();
}
