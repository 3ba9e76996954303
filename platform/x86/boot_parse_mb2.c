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
    if (!head || head[0] < sizeof(struct mmap_entry)) {
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

static void parse_module(struct boot_raw *raw, uint64_t pa, boot_reader *read)
{
    const uint32_t *range = read(pa + 8, 8); /* mod_start, mod_end */
    if (!range || range[1] <= range[0] || raw->nmodules == BOOT_MAX_MODULES) {
        return;
    }
    struct boot_raw_module *module = &raw->module[raw->nmodules++];
    module->start = range[0];
    module->len = range[1] - range[0];
    boot_copy_string(module->cmdline, sizeof(module->cmdline), pa + 16, read);
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
            boot_copy_string(raw->cmdline, sizeof(raw->cmdline), pa + at + 8, read);
            break;
        case TAG_MODULE:
            parse_module(raw, pa + at, read);
            break;
        case TAG_MMAP:
            parse_mmap(raw, pa + at, size, read);
            break;
        case TAG_ACPI_OLD: /* a copy of the RSDP: its address will do */
        case TAG_ACPI_NEW:
            raw->rsdp = pa + at + 8;
            break;
        default:
            break;
        }
        at += (size + 7) & ~7u;
    }
    return raw->nram ? 0 : -EINVAL;
}
