/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Make the table of function names that an image carries for its crash reports.
 *
 * usage: pith-mksyms IMAGE TABLE
 *
 * Reader: libos/core/symbols.c. Layout of the table, little-endian:
 *     u32 magic "PSYM", u32 count of functions, u32 size of the stream
 *     u8 pair[168][2]
 *     stream: count + 1 entries sorted by address, each an ULEB128 number and a name.
 * The number is the distance to the entry before, for the first one to __image_start. The last
 * entry has an empty name: it is the end of the code.
 * A byte of a name is 0 at the end, 1 to 87 for the characters '$' to 'z' (symbols have no others),
 * and from 88 on stands for pair[byte - 88], whose bytes may stand for earlier pairs again
 * (byte-pair encoding). The second one of a pair may be the end.
 */
#include "elffile.h"

#define FIRST_CHAR '$'
#define LAST_CHAR  'z'
#define FIRST_PAIR (LAST_CHAR - FIRST_CHAR + 2)
#define NPAIRS     (256 - FIRST_PAIR)
#define MAGIC      0x4d595350u /* "PSYM" */

struct function {
    uint64_t address;
    const char *name;
    int rank; /* among symbols of one address the highest is taken */
};

static uint8_t pair[NPAIRS][2];

static int compare(const void *left, const void *right)
{
    const struct function *a = left;
    const struct function *b = right;

    if (a->address != b->address) {
        return a->address < b->address ? -1 : 1;
    }
    if (a->rank != b->rank) {
        return b->rank - a->rank;
    }
    return strcmp(a->name, b->name);
}

/* A function symbol is better than a bare label, a global one better than a local one. */
static int rank_of(const Elf64_Sym *symbol, const char *name)
{
    return 4 * (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC) +
           2 * (ELF64_ST_BIND(symbol->st_info) != STB_LOCAL) + (name[0] != '_');
}

/* All functions of the image, sorted, one per address; also the image's start and code end. */
static size_t collect(const struct elffile *elf, struct function **result, uint64_t *start,
                      uint64_t *end)
{
    Elf64_Shdr *table = elf_section_of_type(elf, SHT_SYMTAB);
    if (table == NULL) {
        elf_fail(elf->path, "has no symbols");
    }
    size_t nsymbols = table->sh_size / sizeof(Elf64_Sym);
    Elf64_Sym *symbols = elf_bytes(elf, table->sh_offset, nsymbols * sizeof(Elf64_Sym));
    struct function *functions = calloc(nsymbols + 1, sizeof(*functions));
    size_t count = 0;
    int found_start = 0;

    *end = 0;
    for (size_t i = 0; i < nsymbols; i++) {
        Elf64_Sym *symbol = &symbols[i];
        const char *name = elf_string(elf, table->sh_link, symbol->st_name);
        int type = ELF64_ST_TYPE(symbol->st_info);
        if (strcmp(name, "__image_start") == 0) {
            *start = symbol->st_value;
            found_start = 1;
            continue; /* a place, no function */
        }
        if (symbol->st_shndx >= elf->nsections || (type != STT_FUNC && type != STT_NOTYPE) ||
            name[0] == '\0' || name[0] == '.') {
            continue;
        }
        Elf64_Shdr *section = &elf->sections[symbol->st_shndx];
        if (!(section->sh_flags & SHF_EXECINSTR)) {
            continue;
        }
        if (section->sh_addr + section->sh_size > *end) {
            *end = section->sh_addr + section->sh_size;
        }
        functions[count++] = (struct function){ symbol->st_value, name, rank_of(symbol, name) };
    }
    if (!found_start) {
        elf_fail(elf->path, "has no symbol __image_start");
    }
    qsort(functions, count, sizeof(*functions), compare);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        int known = kept > 0 && functions[kept - 1].address == functions[i].address;
        if (!known && functions[i].address >= *start && functions[i].address < *end) {
            functions[kept++] = functions[i];
        }
    }
    *result = functions;
    return kept;
}

/* Does this byte of a name bring its end? */
static int ends(uint8_t byte)
{
    while (byte >= FIRST_PAIR) {
        byte = pair[byte - FIRST_PAIR][1];
    }
    return byte == 0;
}

/* Replace the most frequent pair of bytes by a new byte, as often as there is one. 0 ends each name. */
static size_t compress(uint8_t *text, size_t size)
{
    static uint32_t frequency[256][256];

    for (int code = 0; code < NPAIRS; code++) {
        memset(frequency, 0, sizeof(frequency));
        unsigned best = 0;
        for (size_t i = 0; i + 1 < size; i++) {
            if (!ends(text[i]) &&
                ++frequency[text[i]][text[i + 1]] > frequency[best >> 8][best & 255]) {
                best = (unsigned)text[i] << 8 | text[i + 1];
            }
        }
        if (frequency[best >> 8][best & 255] < 2) {
            break;
        }
        pair[code][0] = (uint8_t)(best >> 8);
        pair[code][1] = (uint8_t)best;
        size_t to = 0;
        for (size_t from = 0; from < size; to++) {
            if (from + 1 < size && text[from] == pair[code][0] && text[from + 1] == pair[code][1]) {
                text[to] = (uint8_t)(FIRST_PAIR + code);
                from += 2;
            } else {
                text[to] = text[from++];
            }
        }
        size = to;
    }
    return size;
}

static size_t put_uleb128(uint8_t *to, uint64_t value)
{
    size_t size = 0;

    do {
        to[size++] = (uint8_t)((value & 127) | (value > 127 ? 128 : 0));
        value >>= 7;
    } while (value != 0);
    return size;
}

/* Interleave the distances with the compressed names; returns the stream, which the caller owns. */
static uint8_t *make_stream(const struct function *functions, size_t count, uint64_t start,
                            uint64_t end, size_t *size)
{
    size_t names_size = 0;
    for (size_t i = 0; i < count; i++) {
        names_size += strlen(functions[i].name) + 1;
    }
    uint8_t *names = malloc(names_size + 1);
    uint8_t *to = names;
    for (size_t i = 0; i < count; i++) {
        for (const char *from = functions[i].name; *from != '\0'; from++) {
            char c = *from >= FIRST_CHAR && *from <= LAST_CHAR ? *from : '?';
            *to++ = (uint8_t)(c - FIRST_CHAR + 1);
        }
        *to++ = 0;
    }
    compress(names, names_size);

    /* Names never grow, and a distance takes at most 10 bytes. */
    uint8_t *stream = malloc(names_size + 10 * (count + 2));
    uint8_t *out = stream;
    const uint8_t *name = names;
    uint64_t before = start;
    for (size_t i = 0; i < count; i++) {
        out += put_uleb128(out, functions[i].address - before);
        before = functions[i].address;
        do {
            *out++ = *name;
        } while (!ends(*name++));
    }
    out += put_uleb128(out, end - before);
    *out++ = 0;
    free(names);
    *size = (size_t)(out - stream);
    return stream;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s IMAGE TABLE\n", argv[0]);
        return 2;
    }
    struct elffile elf = elf_open(argv[1], 0);
    struct function *functions;
    uint64_t start = 0;
    uint64_t end;
    size_t count = collect(&elf, &functions, &start, &end);

    size_t size;
    uint8_t *stream = make_stream(functions, count, start, end, &size);
    uint32_t header[3] = { MAGIC, (uint32_t)count, (uint32_t)size };

    FILE *out = fopen(argv[2], "wb");
    if (out == NULL || fwrite(header, sizeof(header), 1, out) != 1 ||
        fwrite(pair, sizeof(pair), 1, out) != 1 || fwrite(stream, size, 1, out) != 1 ||
        fclose(out) != 0) {
        perror(argv[2]);
        return 1;
    }
    return 0;
}
