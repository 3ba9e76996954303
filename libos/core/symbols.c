/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Function names of the image, read from the table that toolchain/image/mksyms.c makes.
 *
 * The layout is written there. The table is walked from its start: that is a few hundred bytes
 * per hundred functions, and it is only read when something is reported.
 * It is checked like foreign data: after a fault, memory may be damaged.
 */
#include <pith/symbols.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define MAGIC       0x4d595350u /* "PSYM" */
#define HEADER_SIZE 12
#define FIRST_CHAR  '$'
#define FIRST_PAIR  ('z' - FIRST_CHAR + 2)
#define PAIRS_SIZE  (2 * (256 - FIRST_PAIR))
#define DEPTH_MAX   64 /* bytes that wait while a pair of pairs is taken apart */

/* Placed by the linker script. */
extern const uint8_t __image_start[];
extern const uint8_t __symtab_start[];
extern const uint8_t __symtab_end[];

struct cursor {
    const uint8_t *pairs;
    const uint8_t *at;
    const uint8_t *end;
    uint32_t count; /* of functions */
    uint64_t start; /* distance of the last entry that was taken */
};

/* Put the cursor before the first entry. */
static int cursor_init(struct cursor *cursor, const void *table, size_t size)
{
    uint32_t header[3]; /* magic, count, size of the stream */

    if (size == 0) {
        return -ENOENT;
    }
    if (size < HEADER_SIZE + PAIRS_SIZE) {
        return -EINVAL;
    }
    memcpy(header, table, HEADER_SIZE);
    if (header[0] != MAGIC || header[2] > size - HEADER_SIZE - PAIRS_SIZE) {
        return -EINVAL;
    }
    cursor->pairs = (const uint8_t *)table + HEADER_SIZE;
    cursor->at = cursor->pairs + PAIRS_SIZE;
    cursor->end = cursor->at + header[2];
    cursor->count = header[1];
    cursor->start = 0;
    return 0;
}

/* The distance from the last entry to the next one. */
static bool read_step(struct cursor *cursor, uint64_t *step)
{
    *step = 0;
    for (unsigned shift = 0; cursor->at < cursor->end && shift < 64; shift += 7) {
        uint8_t byte = *cursor->at++;
        *step |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) {
            return true;
        }
    }
    return false;
}

/* What a byte stands for. A pair consists of earlier bytes only, so that taking it apart ends. */
static const uint8_t *pair_of(const struct cursor *cursor, uint8_t byte)
{
    const uint8_t *pair = cursor->pairs + 2 * (byte - FIRST_PAIR);

    return pair[0] < byte && pair[1] < byte ? pair : NULL;
}

static bool skip_name(struct cursor *cursor)
{
    while (cursor->at < cursor->end) {
        uint8_t byte = *cursor->at++;
        while (byte >= FIRST_PAIR) {
            const uint8_t *pair = pair_of(cursor, byte);
            if (pair == NULL) {
                return false;
            }
            byte = pair[1];
        }
        if (byte == 0) {
            return true;
        }
    }
    return false;
}

/* Expand the name at `from`, which skip_name() has passed. */
static int expand(const struct cursor *cursor, const uint8_t *from, char *name, size_t len)
{
    uint8_t waiting[DEPTH_MAX];
    size_t depth = 0;
    size_t out = 0;
    uint8_t byte;

    while (out + 1 < len && (byte = depth > 0 ? waiting[--depth] : *from++) != 0) {
        if (byte < FIRST_PAIR) {
            name[out++] = (char)(byte - 1 + FIRST_CHAR);
            continue;
        }
        const uint8_t *pair = pair_of(cursor, byte);
        if (pair == NULL || depth + 2 > DEPTH_MAX) {
            name[out] = '\0';
            return -EINVAL;
        }
        waiting[depth++] = pair[1];
        waiting[depth++] = pair[0];
    }
    name[out] = '\0';
    return 0;
}

int symbol_table_lookup(const void *table, size_t size, uint64_t distance, char *name, size_t len,
                        size_t *offset)
{
    struct cursor cursor;
    const uint8_t *candidate = NULL;
    uint64_t step;

    name[0] = '\0';
    int r = cursor_init(&cursor, table, size);
    if (r != 0) {
        return r;
    }
    /* The last of count + 1 entries is the end of the code. */
    for (uint32_t i = 0; i <= cursor.count; i++) {
        if (!read_step(&cursor, &step)) {
            return -EINVAL;
        }
        if (step > distance - cursor.start) { /* the entry begins behind the address */
            if (candidate == NULL) {
                return -ENOENT;
            }
            if (offset != NULL) {
                *offset = distance - cursor.start;
            }
            return expand(&cursor, candidate, name, len);
        }
        cursor.start += step;
        candidate = cursor.at;
        if (!skip_name(&cursor)) {
            return -EINVAL;
        }
    }
    return -ENOENT;
}

int symbol_lookup(uintptr_t addr, char *name, size_t len, size_t *offset)
{
    if (addr < (uintptr_t)__image_start) {
        name[0] = '\0';
        return -ENOENT;
    }
    return symbol_table_lookup(__symtab_start, (size_t)(__symtab_end - __symtab_start),
                               addr - (uintptr_t)__image_start, name, len, offset);
}

int symbol_find(const char *wanted, uintptr_t *address)
{
    struct cursor cursor;
    char name[SYMBOL_NAME_MAX];
    uint64_t step;

    int r = cursor_init(&cursor, __symtab_start, (size_t)(__symtab_end - __symtab_start));
    if (r != 0) {
        return r;
    }
    for (uint32_t i = 0; i < cursor.count; i++) {
        if (!read_step(&cursor, &step)) {
            return -EINVAL;
        }
        const uint8_t *at = cursor.at;
        cursor.start += step;
        if (!skip_name(&cursor)) {
            return -EINVAL;
        }
        if (expand(&cursor, at, name, sizeof(name)) == 0 && strcmp(name, wanted) == 0) {
            *address = (uintptr_t)__image_start + cursor.start;
            return 0;
        }
    }
    return -ENOENT;
}
