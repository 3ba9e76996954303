/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory map of a Xen PVH guest whose start_info has none: version 0, which Xen 4.17 gives to a
 * PVH dom0.
 *
 * Xen takes hypercalls of such a guest from CPL 0 only, so boot_start.S makes this one call.
 */
#include <errno.h>
#include <stdint.h>

#include <xen/xen.h>

#include <xen/memory.h>

#include "boot_tables.h"

#define MAX_ENTRIES 128u
#define E820_RAM    1u

struct e820_entry { /* xen public/memory.h: "the same layout as an E820 map" */
    uint64_t addr, size;
    uint32_t type;
} __attribute__((packed));

int boot_xen_memory_map(struct boot_raw *raw)
{
    static struct e820_entry entries[MAX_ENTRIES];
    struct xen_memory_map map = {.nr_entries = MAX_ENTRIES, .buffer = entries};

    if (boot_hypercall(__HYPERVISOR_memory_op, XENMEM_memory_map, (uint64_t)&map) != 0) {
        return -EINVAL;
    }
    for (uint32_t i = 0; i < map.nr_entries && i < MAX_ENTRIES; i++) {
        if (entries[i].type == E820_RAM && entries[i].addr + entries[i].size >= entries[i].addr) {
            boot_add_ram(raw, entries[i].addr, entries[i].addr + entries[i].size);
        }
    }
    return raw->nram ? 0 : -EINVAL;
}
