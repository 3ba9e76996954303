/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PVH boot protocol (xen public/arch-x86/hvm/start_info.h): Xen PVH, QEMU, Firecracker, Cloud
 * Hypervisor.
 */
#include <errno.h>

#include <stdint.h>

#include <xen/xen.h>

#include <xen/arch-x86/hvm/start_info.h>

#include <x86/boot.h>

#define MAX_ENTRIES 1024u /* of either table; more is a mistake */

int boot_parse_pvh(struct boot_raw *raw, uint64_t pa, boot_reader *read)
{
    const struct hvm_start_info *info = read(pa, sizeof(*info));

    raw->entry = "pvh";
    if (!info || info->magic != XEN_HVM_START_MAGIC_VALUE) {
        return -EINVAL;
    }
    boot_copy_string(raw->cmdline, sizeof(raw->cmdline), info->cmdline_paddr, read);
    raw->rsdp = info->rsdp_paddr;
    for (uint32_t i = 0; info->version >= 1 && i < info->memmap_entries && i < MAX_ENTRIES; i++) {
        const struct hvm_memmap_table_entry *e = read(info->memmap_paddr + i * sizeof(*e), sizeof(*e));
        if (e && e->type == XEN_HVM_MEMMAP_TYPE_RAM) {
            boot_add_ram(raw, e->addr, e->addr + e->size);
        }
    }
    for (uint32_t i = 0; i < info->nr_modules && i < MAX_ENTRIES; i++) {
        const struct hvm_modlist_entry *m = read(info->modlist_paddr + i * sizeof(*m), sizeof(*m));
        if (!m || m->size == 0 || m->paddr + m->size < m->paddr || raw->nmodules == BOOT_MAX_MODULES) {
            continue;
        }
        struct boot_raw_module *module = &raw->module[raw->nmodules++];
        module->start = m->paddr;
        module->len = m->size;
        boot_copy_string(module->cmdline, sizeof(module->cmdline), m->cmdline_paddr, read);
    }
    return raw->nram ? 0 : info->version == 0 ? -ENOENT : -EINVAL;
}
