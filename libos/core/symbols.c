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
#define PAIRS_SIZE  256
#define DEPTH_MAX   64 /* bytes that wait while a pair of pairs is taken apart */

/* Placed by the linker script. */
extern const uint8_t __image_start[];
extern const uint8_t __symtab_start[];
extern const uint8_t __symtab_end[];

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static bool read_uleb128(struct cursor *cursor, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; cursor->at < cursor->end && shift < 64; shift += 7) {
        uint8_t byte = *cursor->at++;
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) {
            return true;
        }
    }
    return false;
}

static bool skip_name(struct cursor *cursor)
{
    const uint8_t *nul = memchr(cursor->at, 0, (size_t)(cursor->end - cursor->at));

    if (nul == NULL) {
        return false;
    }
    cursor->at = nul + 1;
    return true;
}

/* Expand the name at `from`, which is known to end with NUL. */
static int expand(const uint8_t *from, const uint8_t *pairs, char *name, size_t len)
{
    uint8_t waiting[DEPTH_MAX];
    size_t depth = 0;
    size_t out = 0;

    while ((depth > 0 || *from != 0) && out + 1 < len) {
        uint8_t byte = depth > 0 ? waiting[--depth] : *from++;
        if (byte < 128) {
            name[out++] = (char)byte;
            continue;
        }
        const uint8_t *pair = pairs + 2 * (byte - 128);
        /* A pair consists of earlier bytes only, so this ends. */
        if (pair[0] >= byte || pair[1] >= byte || depth + 2 > DEPTH_MAX) {
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
    const uint8_t *bytes = table;
    uint32_t header[3]; /* magic, count, size of the stream */

    name[0] = '\0';
    if (size == 0) {
        return -ENOENT;
    }
    if (size < HEADER_SIZE + PAIRS_SIZE) {
        return -EINVAL;
    }
    memcpy(header, bytes, HEADER_SIZE);
    if (header[0] != MAGIC || header[2] > size - HEADER_SIZE - PAIRS_SIZE) {
        return -EINVAL;
    }

    const uint8_t *stream = bytes + HEADER_SIZE + PAIRS_SIZE;
    struct cursor cursor = { stream, stream + header[2] };
    const uint8_t *candidate = NULL;
    uint64_t start = 0;
    uint64_t step;

    /* The last of count + 1 entries is the end of the code. */
    for (uint32_t i = 0; i <= header[1]; i++) {
        if (!read_uleb128(&cursor, &step)) {
            return -EINVAL;
        }
        if (step > distance - start) { /* the entry begins behind the address */
            if (candidate == NULL) {
                return -ENOENT;
            }
            if (offset != NULL) {
                *offset = distance - start;
            }
            return expand(candidate, bytes + HEADER_SIZE, name, len);
        }
        start += step;
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
    const uint8_t *bytes = __symtab_start;
    size_t size = (size_t)(__symtab_end - __symtab_start);
    uint32_t header[3];
    char name[SYMBOL_NAME_MAX];

    if (size < HEADER_SIZE + PAIRS_SIZE) {
        return -ENOENT;
    }
    memcpy(header, bytes, HEADER_SIZE);
    if (header[0] != MAGIC || header[2] > size - HEADER_SIZE - PAIRS_SIZE) {
        return -EINVAL;
    }
    const uint8_t *stream = bytes + HEADER_SIZE + PAIRS_SIZE;
    struct cursor cursor = { stream, stream + header[2] };
    uint64_t start = 0, step;
    for (uint32_t i = 0; i < header[1]; i++) {
        if (!read_uleb128(&cursor, &step)) {
            return -EINVAL;
        }
        const uint8_t *at = cursor.at;
        start += step;
        if (!skip_name(&cursor)) {
            return -EINVAL;
        }
        if (expand(at, bytes + HEADER_SIZE, name, sizeof(name)) == 0 && strcmp(name, wanted) == 0) {
            *address = (uintptr_t)__image_start + start;
            return 0;
        }
    }
    return -ENOENT;
}
