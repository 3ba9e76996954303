/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The zero page of the Linux 64-bit boot protocol (Documentation/arch/x86/zero-page.rst):
 * Firecracker before 1.12 and other loaders of the rust-vmm family. Only fields of fixed offset are
 * used.
 */
#include <errno.h>

#include <x86/boot.h>

#define OFF_RSDP          0x070u
#define OFF_RAMDISK_HIGH  0x0c0u
#define OFF_RAMDISK_SHIGH 0x0c4u
#define OFF_CMDLINE_HIGH  0x0c8u
#define OFF_E820_COUNT    0x1e8u
#define OFF_RAMDISK       0x218u
#define OFF_RAMDISK_SIZE  0x21cu
#define OFF_CMDLINE       0x228u
#define OFF_E820          0x2d0u
#define E820_MAX          128u
#define ZERO_PAGE         4096u

struct e820_entry {
    uint64_t addr, size;
    uint32_t type;
} __attribute__((packed));

static uint32_t word(const char *page, unsigned offset)
{
    return *(const uint32_t *)(const void *)(page + offset);
}

int boot_parse_linux64(struct boot_raw *raw, uint64_t pa, boot_reader *read)
{
    const char *page = read(pa, ZERO_PAGE);

    raw->entry = "linux64";
    if (!page) {
        return -EINVAL;
    }
    uint64_t cmdline = word(page, OFF_CMDLINE) | (uint64_t)word(page, OFF_CMDLINE_HIGH) << 32;
    uint64_t start = word(page, OFF_RAMDISK) | (uint64_t)word(page, OFF_RAMDISK_HIGH) << 32;
    uint64_t len = word(page, OFF_RAMDISK_SIZE) | (uint64_t)word(page, OFF_RAMDISK_SHIGH) << 32;
    unsigned count = (unsigned char)page[OFF_E820_COUNT];

    raw->rsdp = word(page, OFF_RSDP) | (uint64_t)word(page, OFF_RSDP + 4) << 32;
    for (unsigned i = 0; i < count && i < E820_MAX; i++) {
        const struct e820_entry *e =
            (const struct e820_entry *)(const void *)(page + OFF_E820 + i * sizeof(*e));
        if (e->type == 1 && e->addr + e->size >= e->addr) {
            boot_add_ram(raw, e->addr, e->addr + e->size);
        }
    }
    if (start != 0 && len != 0 && start + len > start) {
        raw->module[raw->nmodules].start = start;
        raw->module[raw->nmodules++].len = len;
    }
    boot_copy_string(raw->cmdline, sizeof(raw->cmdline), cmdline, read);
    return raw->nram ? 0 : -EINVAL;
}
