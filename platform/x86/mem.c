/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest-physical addresses of what drivers hand to devices, and mappings of device registers. */
#include <x86/mem.h>

#include <stdbool.h>

#include <pith/log.h>
#include <pith/spinlock.h>

#include <x86/boot.h>
#include <x86/image.h>
#include <x86/machine.h>
#include <x86/mon.h>
#include <x86/ops.h>

#include "pages.h"

#define DEVICE_BASE 0xffffff8000000000UL /* PML4 slot 511; the other mappings are below */
#define MAX_MAPPINGS 64

uint64_t x86_home_base;

static uint64_t image_paddr; /* of the image's first byte */

static struct mapping {
    paddr_t start; /* page aligned */
    size_t npages;
    uint64_t flags;
    char *va;
} mappings[MAX_MAPPINGS];
static unsigned nmappings;
static uint64_t next_va = DEVICE_BASE;
static struct spinlock lock; /* the three above */

void mem_set_image(uint64_t paddr, uint64_t home_base)
{
    image_paddr = paddr;
    x86_home_base = home_base;
}

static bool is_ram(paddr_t start, paddr_t end)
{
    for (size_t i = 0; i < boot_raw.nram; i++) {
        if (start < boot_raw.ram[i].end && end > boot_raw.ram[i].start) {
            return true;
        }
    }
    return false;
}

paddr_t mem_to_paddr(const void *p, size_t want, size_t *len)
{
    uintptr_t va = (uintptr_t)p;
    uintptr_t in_image = va - (uintptr_t)__image_start;
    size_t image_bytes = (size_t)(__image_end - __image_start);

    if (platform_ops->mem_to_paddr) {
        return platform_ops->mem_to_paddr(p, want, len);
    }
    if (in_image < image_bytes) {
        *len = want < image_bytes - in_image ? want : image_bytes - in_image;
        return image_paddr + in_image;
    }
    paddr_t pa = va - x86_home_base;
    for (size_t i = 0; i < boot_raw.nram; i++) {
        const struct boot_range *r = &boot_raw.ram[i];
        if (pa >= r->start && pa < r->end) {
            *len = want < r->end - pa ? want : r->end - pa;
            return pa;
        }
    }
    *len = 0;
    return PADDR_NONE;
}

void *mem_from_paddr(paddr_t pa, size_t len)
{
    if (platform_ops->mem_from_paddr) {
        return platform_ops->mem_from_paddr(pa, len);
    }
    for (size_t i = 0; i < boot_raw.nram; i++) {
        const struct boot_range *r = &boot_raw.ram[i];
        if (pa >= r->start && pa < r->end && len <= r->end - pa) {
            return (void *)(x86_home_base + pa);
        }
    }
    return NULL;
}

static void *map(paddr_t pa, size_t len, uint64_t flags)
{
    if (platform_ops->mem_to_paddr) {
        return NULL; /* a PV guest has no devices of this kind */
    }
    paddr_t start = pa & ~(paddr_t)4095;
    size_t npages = (pa + len - start + 4095) / 4096;
    void *found = NULL;
    bool was = spin_lock(&lock);

    for (unsigned i = 0; i < nmappings && !found; i++) {
        const struct mapping *m = &mappings[i];
        if (m->flags == flags && start >= m->start &&
            start + npages * 4096 <= m->start + m->npages * 4096) {
            found = m->va + (pa - m->start);
        }
    }
    if (!found && nmappings < MAX_MAPPINGS) {
        struct mon_map op = {next_va, start, npages, MON_MAP_PRESENT | flags};
        if (pages_map(&op, 1) == 0) {
            struct mapping *m = &mappings[nmappings++];
            *m = (struct mapping){start, npages, flags, (char *)next_va};
            next_va += (npages + 1) * 4096; /* a hole between two devices */
            found = m->va + (pa - start);
        }
    }
    spin_unlock(&lock, was);
    return found;
}

static void *map_beside_ram(paddr_t pa, size_t len, uint64_t flags)
{
    return len == 0 || pa + len < pa || is_ram(pa, pa + len) ? NULL : map(pa, len, flags);
}

void *mem_map_device(paddr_t pa, size_t len)
{
    return map_beside_ram(pa, len, MON_MAP_WRITE | MON_MAP_DEVICE);
}

void *mem_map_shared(paddr_t pa, size_t len)
{
    return map_beside_ram(pa, len, MON_MAP_WRITE);
}

const void *mem_map_firmware(paddr_t pa, size_t len)
{
    if (len == 0 || pa + len < pa) {
        return NULL;
    }
    void *home = mem_from_paddr(pa, len);
    return home ? home : map(pa, len, 0);
}
