/* SPDX-License-Identifier: BSD-2-Clause */
/* Multiboot2 information (Multiboot2 Specification 2.0, "Boot information format"): GRUB. */
#include <errno.h>
#include <string.h>

#include <x86/boot.h>

#define TAG_END      0u
#define TAG_CMDLINE  1u
#define TAG_MODULE   3u
#define TAG_MMAP     6u
#define TAG_ACPI_OLD 14u
#define TAG_ACPI_NEW 15u
#define MAX_BYTES    (1u << 20)

/* ACPI 6.5, 5.2.5.3: the RSDP's first version and all of it. */
#define RSDP_V1_BYTES 20u
#define RSDP_BYTES    36u

struct tag {
    uint32_t type, size;
};

struct mmap_entry {
    uint64_t addr, len;
    uint32_t type, zero;
};

static void parse_mmap(struct boot_raw *raw, uint64_t pa, uint32_t size, boot_reader *read)
{
    const uint32_t *head = read(pa + 8, 8); /* entry_size, entry_version */
    if (!head || head[0] < sizeof(struct mmap_entry) || head[0] > size) {
        return;
    }
    uint32_t step = head[0];
    for (uint32_t at = 16; at + sizeof(struct mmap_entry) <= size && at < MAX_BYTES; at += step) {
        const struct mmap_entry *e = read(pa + at, sizeof(*e));
        if (e && e->type == 1 && e->addr + e->len >= e->addr) {
            boot_add_ram(raw, e->addr, e->addr + e->len);
        }
    }
}

/* The string that fills the rest of a tag of `size` bytes, from `offset` on. */
static void copy_rest(char *dst, size_t room, uint64_t pa, uint32_t offset, uint32_t size, boot_reader *read)
{
    if (size > offset) {
        boot_copy_string(dst, room < size - offset + 1 ? room : size - offset + 1, pa + offset, read);
    }
}

static void parse_module(struct boot_raw *raw, uint64_t pa, uint32_t size, boot_reader *read)
{
    const uint32_t *range = size >= 16 ? read(pa + 8, 8) : NULL; /* mod_start, mod_end */
    if (!range || range[1] <= range[0] || raw->nmodules == BOOT_MAX_MODULES) {
        return;
    }
    struct boot_raw_module *module = &raw->module[raw->nmodules++];
    module->start = range[0];
    module->len = range[1] - range[0];
    copy_rest(module->cmdline, sizeof(module->cmdline), pa, 16, size, read);
}

/* The tag holds a copy of the RSDP, in memory that nothing else keeps: it has to stay. */
static void keep_rsdp(struct boot_raw *raw)
{
    if (raw->rsdp != 0) {
        struct boot_raw_module *module = &raw->module[raw->nmodules++];
        module->start = raw->rsdp;
        module->len = RSDP_BYTES;
        module->internal = true;
    }
}

int boot_parse_multiboot2(struct boot_raw *raw, uint64_t pa, boot_reader *read)
{
    const uint32_t *head = read(pa, 8);

    raw->entry = "multiboot2";
    if (!head || head[0] < 16 || head[0] > MAX_BYTES) {
        return -EINVAL;
    }
    uint32_t total = head[0];
    for (uint32_t at = 8; at + sizeof(struct tag) <= total;) {
        const struct tag *tag = read(pa + at, sizeof(*tag));
        if (!tag || tag->type == TAG_END || tag->size < sizeof(*tag) || tag->size > total - at) {
            break;
        }
        uint32_t size = tag->size;
        switch (tag->type) {
        case TAG_CMDLINE:
            copy_rest(raw->cmdline, sizeof(raw->cmdline), pa + at, 8, size, read);
            break;
        case TAG_MODULE:
            parse_module(raw, pa + at, size, read);
            break;
        case TAG_MMAP:
            parse_mmap(raw, pa + at, size, read);
            break;
        case TAG_ACPI_OLD:
        case TAG_ACPI_NEW: /* comes second where there are both */
            if (size >= 8 + RSDP_V1_BYTES && read(pa + at + 8, RSDP_BYTES)) {
                raw->rsdp = pa + at + 8;
            }
            break;
        default:
            break;
        }
        at += (size + 7) & ~7u;
    }
    keep_rsdp(raw);
    return raw->nram ? 0 : -EINVAL;
}
