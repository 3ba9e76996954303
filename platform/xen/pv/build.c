/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page tables of a PV guest, built at boot: all RAM at its home address, the image at its new
 * place.
 *
 * Xen validates a table when it is hooked in: each entry must name a machine frame of ours, and
 * nothing may map a table writable. So the tables are the last page frames of the domain; each is
 * filled through a window in the boot mapping, loses every writable mapping, and one update of the
 * top-level table makes Xen check them all. Source: xen public/xen.h, mmu_update and "Start-of-day
 * memory layout"; xen/arch/x86/mm.c.
 */
#include "pv.h"

#include <stdbool.h>

#include <pith/log.h>
#include <x86/image.h>

#define WINDOW_PAGES 16u

struct pv_map pv_map;

/* A piece of the address space within one top-level entry, and where its tables are. */
struct span {
    uint64_t va, npages;
    uint64_t first[4]; /* [level]: index of its first table at that level, counted from address 0 */
    uint64_t count[4]; /* tables of that level (3: 512 GiB each, 2: 1 GiB, 1: 2 MiB) */
    uint64_t table[4]; /* position of the first of them in our run of tables */
    uint64_t (*entry)(uint64_t page, const struct start_info *si);
};

/* Where the boot mapping has page frame 0: start_info names things by addresses of that mapping. */
static uintptr_t boot_base(const struct start_info *si)
{
    return si->pt_base - (pv_map.l4_pfn << PAGE_SHIFT);
}

static uint64_t machine(uint64_t pfn)
{
    return pv_map.p2m[pfn] << PAGE_SHIFT;
}

/* ---- which frame is what ---- */

enum frame_use {
    FRAME_FREE,
    FRAME_KEPT,  /* plain memory that somebody uses: modules, rings, start_info */
    FRAME_FIXED, /* page tables and p2m: read-only */
    FRAME_IMAGE, /* mapped in the image's place alone */
    FRAME_HOLE,
};

static bool in_range(uint64_t x, uint64_t first, uint64_t n)
{
    return x - first < n;
}

static bool in_bytes(uint64_t pfn, const struct start_info *si, uint64_t start, uint64_t len)
{
    uint64_t offset = start - boot_base(si);
    uint64_t first = offset >> PAGE_SHIFT;
    uint64_t end = (offset + len + PAGE_SIZE - 1) >> PAGE_SHIFT;

    return len != 0 && in_range(pfn, first, end - first);
}

static bool is_image_frame(uint64_t pfn)
{
    if (!in_range(pfn, pv_map.image_pfn, pv_map.image_npages - PV_IMAGE_EXTRA)) {
        return false;
    }
    /* The monitor has no work on PV: its frames are RAM like any other. */
    enum image_kind kind = image_kind_at((pfn - pv_map.image_pfn) << PAGE_SHIFT);
    return kind != IMAGE_MONITOR_TEXT && kind != IMAGE_MONITOR_DATA;
}

static enum frame_use frame_use(uint64_t pfn, const struct start_info *si)
{
    if (pv_map.p2m[pfn] == PFN_NONE) {
        return FRAME_HOLE;
    }
    if (is_image_frame(pfn)) {
        return FRAME_IMAGE;
    }
    if (in_range(pfn, pv_map.table_pfn, pv_map.ntables)) {
        return FRAME_FIXED;
    }
    if (!in_range(pfn, pv_map.boot_pfn, pv_map.boot_end_pfn - pv_map.boot_pfn)) {
        return FRAME_FREE;
    }
    if (in_range(pfn, pv_map.l4_pfn, si->nr_pt_frames) ||
        in_bytes(pfn, si, si->mfn_list, pv_map.npages * sizeof(uint64_t))) {
        return FRAME_FIXED;
    }
    if (pfn == pv_map.boot_end_pfn - 1) {
        return FRAME_FREE; /* the boot stack: we have one of our own */
    }
    return FRAME_KEPT;
}

/* ---- entries and tables ---- */

static uint64_t home_entry(uint64_t pfn, const struct start_info *si)
{
    switch (frame_use(pfn, si)) {
    case FRAME_FREE:
    case FRAME_KEPT:
        return machine(pfn) | PTE_RW;
    case FRAME_FIXED:
        return machine(pfn) | PTE_RO | PTE_FIXED;
    default:
        return 0;
    }
}

static uint64_t image_entry(uint64_t page, const struct start_info *si)
{
    uint64_t npages = pv_map.image_npages - PV_IMAGE_EXTRA;

    if (page >= npages) {
        return page == npages ? 0 : si->shared_info | PTE_RW;
    }
    uint64_t frame = machine(pv_map.image_pfn + page);
    switch (image_kind_at(page << PAGE_SHIFT)) {
    case IMAGE_TEXT:
        return frame | PTE_RX;
    case IMAGE_RODATA:
        return frame | PTE_RO;
    case IMAGE_DATA:
        return frame | PTE_RW;
    default:
        return 0;
    }
}

static uint64_t span_plan(struct span *span, uint64_t next)
{
    uint64_t last = span->va + (span->npages - 1) * PAGE_SIZE;

    for (unsigned level = 3; level >= 1; level--) {
        unsigned shift = PAGE_SHIFT + 9 * level;
        span->first[level] = span->va >> shift;
        span->count[level] = (last >> shift) - span->first[level] + 1;
        span->table[level] = next;
        next += span->count[level];
    }
    return next;
}

static uint64_t table_entry(uint64_t position)
{
    return machine(pv_map.table_pfn + position) | PTE_TABLE;
}

/* Write table number `position` of our run; false when the span doesn't have it. */
static bool span_fill(const struct span *span, uint64_t position, uint64_t *table,
                      const struct start_info *si)
{
    for (unsigned level = 3; level >= 1; level--) {
        if (!in_range(position, span->table[level], span->count[level])) {
            continue;
        }
        uint64_t index = (span->first[level] + position - span->table[level]) * PT_ENTRIES;
        for (unsigned i = 0; i < PT_ENTRIES; i++, index++) {
            if (level == 1) {
                uint64_t page = index - (span->va >> PAGE_SHIFT);
                table[i] = page < span->npages ? span->entry(page, si) : 0;
            } else {
                uint64_t sub = index - span->first[level - 1];
                bool ours = sub < span->count[level - 1];
                table[i] = ours ? table_entry(span->table[level - 1] + sub) : 0;
            }
        }
        return true;
    }
    return false;
}

/* ---- the boot mapping ---- */

/* Map page frames first.. at the window (pfn 0.. of the boot mapping), or clear it. */
static void window_set(uintptr_t base, uint64_t first, unsigned n, bool map)
{
    struct multicall_entry call[WINDOW_PAGES];

    for (unsigned i = 0; i < n; i++) {
        uint64_t entry = map ? machine(first + i) | PTE_RW : 0;
        call[i] = (struct multicall_entry){
            .op = __HYPERVISOR_update_va_mapping,
            .args = {base + i * PAGE_SIZE, entry, UVMF_INVLPG | UVMF_LOCAL},
        };
    }
    long error = xen_multicall(call, n);
    for (unsigned i = 0; i < n && error == 0; i++) {
        error = (long)call[i].result;
    }
    if (error != 0) {
        pv_boot_fail("mapping new page tables", error);
    }
}

/* Whether the boot mapping reaches page frame pfn. */
static bool boot_mapped(uintptr_t base, uint64_t pfn)
{
    const unsigned long *m2p = machine_to_phys_mapping;
    uintptr_t va = base + (pfn << PAGE_SHIFT);
    uint64_t table_pfn = pv_map.l4_pfn;

    for (unsigned shift = 39;; shift -= 9) {
        const uint64_t *table = (const uint64_t *)(base + (table_pfn << PAGE_SHIFT));
        uint64_t entry = table[va >> shift & (PT_ENTRIES - 1)];
        if (!(entry & PTE_PRESENT) || shift == PAGE_SHIFT) {
            return entry & PTE_PRESENT;
        }
        table_pfn = m2p[(entry & PTE_ADDRESS) >> PAGE_SHIFT];
    }
}

static void hook(const struct span *span)
{
    struct mmu_update update = {
        .ptr = machine(pv_map.l4_pfn) + (span->va >> 39 & (PT_ENTRIES - 1)) * sizeof(uint64_t),
        .val = table_entry(span->table[3]),
    };
    long error = xen_mmu_update(&update, 1, NULL);

    if (error != 0) {
        pv_boot_fail("mmu_update of the new page tables", error);
    }
}

void pv_build_map(const struct start_info *si, bool fixed_bases)
{
    uintptr_t base = (uintptr_t)__image_start - IMAGE_LINK; /* PADDR_OFFSET is 0 */
    uint64_t image, home;

    pv_map.npages = si->nr_pages;
    pv_map.p2m = (const uint64_t *)si->mfn_list;
    pv_map.image_pfn = IMAGE_LINK >> PAGE_SHIFT;
    pv_map.image_npages = (uint64_t)(__image_end - __image_start) / PAGE_SIZE + PV_IMAGE_EXTRA;
    pv_map.l4_pfn = (si->pt_base - base) >> PAGE_SHIFT;
    pv_map.boot_pfn = pv_map.image_pfn + pv_map.image_npages - PV_IMAGE_EXTRA;
    pv_map.boot_end_pfn = pv_map.l4_pfn + si->nr_pt_frames + 1; /* and the boot stack */

    image_choose_bases(fixed_bases, pv_map.image_npages, &image, &home);
    pv_map.image = (char *)image;
    pv_map.home = (char *)home;

    struct span spans[] = {
        {.va = home, .npages = pv_map.npages, .entry = home_entry},
        {.va = image, .npages = pv_map.image_npages, .entry = image_entry},
    };
    pv_map.ntables = span_plan(&spans[1], span_plan(&spans[0], 0));
    if (pv_map.ntables > pv_map.npages || pv_map.npages - pv_map.ntables < pv_map.boot_end_pfn) {
        pv_boot_fail("too little memory", (long)pv_map.npages);
    }
    pv_map.table_pfn = pv_map.npages - pv_map.ntables;

    for (uint64_t done = 0; done < pv_map.ntables; done += WINDOW_PAGES) {
        uint64_t left = pv_map.ntables - done;
        unsigned n = left < WINDOW_PAGES ? (unsigned)left : WINDOW_PAGES;
        window_set(base, pv_map.table_pfn + done, n, true);
        for (unsigned i = 0; i < n; i++) {
            uint64_t *table = (uint64_t *)(base + i * PAGE_SIZE);
            if (!span_fill(&spans[0], done + i, table, si)) {
                span_fill(&spans[1], done + i, table, si);
            }
        }
        window_set(base, 0, n, false);
    }
    for (uint64_t pfn = pv_map.table_pfn; pfn < pv_map.npages && boot_mapped(base, pfn); pfn++) {
        xen_update_va_mapping((void *)(base + (pfn << PAGE_SHIFT)), 0, UVMF_INVLPG | UVMF_LOCAL);
    }
    hook(&spans[0]);
    hook(&spans[1]);
    pv_map.p2m = (const uint64_t *)(pv_map.home + (si->mfn_list - base));
}

void pv_drop_boot_map(void)
{
    struct mmu_update update = {
        .ptr = machine(pv_map.l4_pfn) + (PT_ENTRIES - 1) * sizeof(uint64_t),
    };
    struct mmuext_op flush = {.cmd = MMUEXT_TLB_FLUSH_LOCAL};
    long error = xen_mmu_update(&update, 1, NULL);

    if (error == 0) {
        error = xen_mmuext_op(&flush, 1);
    }
    if (error != 0) {
        klog(LOG_WARNING, "xen: the boot mapping stays: error %ld", error);
    }
}

/* ---- what libos gets ---- */

static void add_ram(struct boot_info *info, uint64_t first, uint64_t n)
{
    if (n == 0) {
        return;
    }
    if (info->nram == BOOT_MAX_RAM) {
        klog(LOG_WARNING, "xen: %lu pages of RAM unused: too many ranges", (unsigned long)n);
        return;
    }
    info->ram[info->nram++] = (struct boot_ram){pv_map.home + (first << PAGE_SHIFT), n};
}

void pv_fill_boot_info(const struct start_info *si, struct boot_info *info)
{
    uint64_t first = 0;

    for (uint64_t pfn = 0; pfn < pv_map.npages; pfn++) {
        if (frame_use(pfn, si) != FRAME_FREE) {
            add_ram(info, first, pfn - first);
            first = pfn + 1;
        }
    }
    add_ram(info, first, pv_map.npages - first);
    info->ram_total = pv_map.npages << PAGE_SHIFT;

    if (si->mod_len != 0) {
        uint64_t offset = si->mod_start - boot_base(si);
        if (si->flags & SIF_MOD_START_PFN) {
            offset = si->mod_start << PAGE_SHIFT;
        }
        /* Xen says where it put it, but a length beyond our memory would be read for ever. */
        if (offset < info->ram_total && si->mod_len <= info->ram_total - offset) {
            struct boot_module *module = &info->module[info->nmodules++];
            *module = (struct boot_module){pv_map.home + offset, si->mod_len, ""};
        }
    }
}
