/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes of a PV guest's page tables, and machine addresses.
 *
 * Xen does the writing (mmu_update) and enforces that nothing maps a page table writable.
 * Everything else that platform.h promises is checked here; unlike the monitor's, this check binds
 * only those who call it, since any code of a PV guest can issue the hypercall. An entry that maps
 * nothing is 0: Xen punishes one that still holds address bits (L1TF).
 */
#include "pv.h"

#include <errno.h>

#include <pith/page.h>
#include <pith/spinlock.h>
#include <x86/image.h>
#include <xenplat/pv.h>

#define BATCH_UPDATES 48u
#define BATCH_INVLPG  8u /* more stale entries than that: flush the whole TLB */

/* Updates that wait for one multicall; on the caller's stack. */
struct batch {
    struct mmu_update update[BATCH_UPDATES];
    uint64_t stale_va[BATCH_INVLPG];
    unsigned n, nstale;
};

/*
 * Orders all reading and writing of page tables; nothing else is locked inside but the page
 * allocator.
 */
static struct spinlock tables_lock = SPINLOCK_INIT;

static uint64_t mfn_to_pfn(uint64_t mfn)
{
    const unsigned long *m2p = machine_to_phys_mapping;
    return m2p[mfn];
}

static uint64_t *table_at(uint64_t entry)
{
    uint64_t pfn = mfn_to_pfn((entry & PTE_ADDRESS) >> PAGE_SHIFT);
    return (uint64_t *)(pv_map.home + (pfn << PAGE_SHIFT));
}

static uint64_t machine(uint64_t pfn)
{
    return pv_map.p2m[pfn] << PAGE_SHIFT;
}

/* ---- batches ---- */

static int batch_flush(struct batch *b)
{
    struct mmuext_op flush[BATCH_INVLPG];
    struct multicall_entry call[2];
    unsigned nflush = b->nstale > BATCH_INVLPG ? 1 : b->nstale;

    if (b->n == 0) {
        return 0;
    }
    for (unsigned i = 0; i < nflush; i++) {
        flush[i] = (struct mmuext_op){.cmd = MMUEXT_INVLPG_ALL, .arg1.linear_addr = b->stale_va[i]};
    }
    if (b->nstale > BATCH_INVLPG) {
        flush[0] = (struct mmuext_op){.cmd = MMUEXT_TLB_FLUSH_ALL};
    }
    call[0] = (struct multicall_entry){
        .op = __HYPERVISOR_mmu_update,
        .args = {(unsigned long)b->update, b->n, 0, DOMID_SELF},
    };
    call[1] = (struct multicall_entry){
        .op = __HYPERVISOR_mmuext_op,
        .args = {(unsigned long)flush, nflush, 0, DOMID_SELF},
    };
    b->n = 0;
    b->nstale = 0;

    long error = xen_multicall(call, nflush != 0 ? 2 : 1);
    if (error == 0) {
        error = xen_errno((long)call[0].result);
    }
    if (error == 0 && nflush != 0) {
        error = xen_errno((long)call[1].result);
    }
    return (int)error;
}

/*
 * Queue the write of one entry: `slot` is where we see it, `va` what it maps (0: nothing stale, an
 * upper level).
 */
static int batch_add(struct batch *b, const uint64_t *slot, uint64_t value, uint64_t va)
{
    uint64_t offset = (uint64_t)((const char *)slot - pv_map.home);
    uint64_t old = *slot;

    b->update[b->n++] = (struct mmu_update){
        .ptr = machine(offset >> PAGE_SHIFT) | (offset & (PAGE_SIZE - 1)) | MMU_NORMAL_PT_UPDATE,
        .val = value,
    };
    if (va != 0 && (old & PTE_PRESENT)) {
        if (b->nstale < BATCH_INVLPG) {
            b->stale_va[b->nstale] = va;
        }
        b->nstale++;
    }
    return b->n == BATCH_UPDATES ? batch_flush(b) : 0;
}

/* ---- the tree ---- */

static uint64_t *leaf(uint64_t va);

/* A new, empty table under *slot. It must be read-only at home before Xen takes it as a table. */
static int table_add(struct batch *b, const uint64_t *slot)
{
    uint64_t *table = page_alloc(0);

    if (table == NULL) {
        return -ENOMEM;
    }
    __builtin_memset(table, 0, PAGE_SIZE);
    uint64_t frame = machine((uint64_t)((char *)table - pv_map.home) >> PAGE_SHIFT);
    int error = batch_add(b, leaf((uint64_t)table), frame | PTE_RO | PTE_FIXED, (uint64_t)table);
    if (error == 0) {
        error = batch_add(b, slot, frame | PTE_TABLE, 0);
    }
    if (error == 0) {
        error = batch_flush(b); /* the next level is found by reading this one */
    }
    return error;
}

/*
 * The slot at which the walk for va ends: the last-level entry, or the absent upper one (*level: 1
 * .. 4).
 */
static uint64_t *walk(uint64_t va, unsigned *level)
{
    uint64_t *table = (uint64_t *)(pv_map.home + (pv_map.l4_pfn << PAGE_SHIFT));

    for (*level = 4;; (*level)--) {
        uint64_t *slot = &table[va >> (PAGE_SHIFT + 9 * (*level - 1)) & (PT_ENTRIES - 1)];
        if (*level == 1 || !(*slot & PTE_PRESENT)) {
            return slot;
        }
        table = table_at(*slot);
    }
}

/* The last-level entry of an address whose tables exist: home and image. */
static uint64_t *leaf(uint64_t va)
{
    unsigned level;
    uint64_t *slot = walk(va, &level);

    return level == 1 ? slot : NULL;
}

/* ---- the rules ---- */

static bool overlaps(uint64_t start, uint64_t len, const char *area, uint64_t npages)
{
    uint64_t first = (uint64_t)area;
    return start < first + npages * PAGE_SIZE && first < start + len;
}

static bool image_fixed(uint64_t start, uint64_t len)
{
    uint64_t fixed = (uint64_t)(__data_start - __image_start);
    const char *extra = pv_map.image + (pv_map.image_npages - PV_IMAGE_EXTRA) * PAGE_SIZE;

    return overlaps(start, len, pv_map.image, fixed / PAGE_SIZE) ||
           overlaps(start, len, extra, PV_IMAGE_EXTRA);
}

static bool in_image(uint64_t start, uint64_t len)
{
    uint64_t offset = start - (uint64_t)pv_map.image;
    uint64_t size = (uint64_t)(__data_end - __image_start);
    return offset < size && len <= size - offset;
}

static bool in_home(uint64_t start, uint64_t len)
{
    uint64_t offset = start - (uint64_t)pv_map.home;
    uint64_t size = pv_map.npages * PAGE_SIZE;
    return offset < size && len <= size - offset;
}

static int check(const struct page_op *op)
{
    uint64_t va = (uint64_t)op->va, page = (uint64_t)op->page, len = op->npages * PAGE_SIZE;

    if ((va | page) & (PAGE_SIZE - 1) || op->npages > (1UL << 27) || va + len < va ||
        op->prot > (PAGE_PROT_READ | PAGE_PROT_WRITE | PAGE_PROT_EXEC)) {
        return -EINVAL;
    }
    if (op->prot & PAGE_PROT_EXEC) {
        return -EPERM; /* all the code there is lies in the image */
    }
    if (va < HYPERVISOR_VIRT_END && va + len > HYPERVISOR_VIRT_START) {
        return -EPERM; /* Xen's own part of the address space */
    }
    if ((int64_t)va >> 47 != -1 || (op->prot != PAGE_PROT_NONE && op->page == NULL)) {
        return -EINVAL; /* the lower half stays empty: null pointers with an offset have to fault */
    }
    if (image_fixed(va, len) || (op->page != NULL && image_fixed(page, len))) {
        return -EPERM;
    }
    /* At home and in the image an address stands for its own memory and no other. */
    bool special = overlaps(va, len, pv_map.home, pv_map.npages) ||
                   overlaps(va, len, pv_map.image, pv_map.image_npages);
    if (special && ((op->page != NULL && page != va) || !(in_home(va, len) || in_image(va, len)))) {
        return -EINVAL;
    }
    if (op->page != NULL && !in_home(page, len) && !in_image(page, len)) {
        return -EINVAL;
    }
    return 0;
}

/* The page frame of an address at home or in the image. */
static uint64_t pfn_of(uint64_t address)
{
    if (in_image(address, 1)) {
        return pv_map.image_pfn + ((address - (uint64_t)pv_map.image) >> PAGE_SHIFT);
    }
    return (address - (uint64_t)pv_map.home) >> PAGE_SHIFT;
}

/*
 * -EPERM when the frame is a page table or the p2m, -EINVAL when it doesn't exist or is the
 * image's.
 */
static int check_frame(uint64_t address)
{
    if (in_image(address, 1)) {
        return 0;
    }
    uint64_t pfn = pfn_of(address);
    if (pv_map.p2m[pfn] == PFN_NONE) {
        return -EINVAL;
    }
    if (pfn - pv_map.image_pfn < pv_map.image_npages - PV_IMAGE_EXTRA) {
        enum image_kind kind = image_kind_at((pfn - pv_map.image_pfn) << PAGE_SHIFT);
        return kind == IMAGE_MONITOR_TEXT || kind == IMAGE_MONITOR_DATA ? 0 : -EPERM;
    }
    return *leaf(address) & PTE_FIXED ? -EPERM : 0;
}

static int apply(struct batch *b, const struct page_op *op)
{
    uint64_t va = (uint64_t)op->va, page = (uint64_t)op->page;
    uint64_t flags = op->prot & PAGE_PROT_WRITE ? PTE_RW : PTE_RO;
    bool special = in_home(va, 1) || in_image(va, 1);

    for (size_t i = 0; i < op->npages; i++, va += PAGE_SIZE, page += PAGE_SIZE) {
        uint64_t named = op->page != NULL ? page : va;
        int error = op->page != NULL || special ? check_frame(named) : 0;
        if (error != 0) {
            return error;
        }
        unsigned level;
        uint64_t *slot = walk(va, &level);
        while (level > 1) {
            if (op->prot == PAGE_PROT_NONE) {
                break;
            }
            error = table_add(b, slot);
            if (error != 0) {
                return error;
            }
            slot = walk(va, &level);
        }
        if (level > 1) {
            continue; /* nothing to unmap */
        }
        uint64_t value = op->prot == PAGE_PROT_NONE ? 0 : machine(pfn_of(page)) | flags;
        error = batch_add(b, slot, value, va);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

int pv_page_ops(const struct page_op *ops, size_t n)
{
    struct batch batch = {.n = 0};
    int error = 0;

    bool was = spin_lock(&tables_lock);
    for (size_t i = 0; i < n && error == 0; i++) {
        error = check(&ops[i]);
        if (error == 0) {
            error = apply(&batch, &ops[i]);
        }
    }
    int late = batch_flush(&batch);
    spin_unlock(&tables_lock, was);
    return error != 0 ? error : late;
}

void pv_page_seal(void)
{
    /* Nothing to close: no executable page is ever made here, and Xen knows no seal. */
}

/* ---- Xen's own pages ---- */

#define FOREIGN_BASE 0xffffff8000000000UL /* the top slot, which held the boot mapping */

static uint64_t next_va = FOREIGN_BASE; /* tables_lock */

/*
 * The toolstack writes page tables down by our own frame numbers, so they may name no frames of
 * Xen's. `frames` keeps what was mapped.
 */
unsigned pv_foreign_unmap(uint64_t *frames, unsigned max)
{
    unsigned n = (unsigned)((next_va - FOREIGN_BASE) / PAGE_SIZE);

    for (unsigned i = 0; i < n && n <= max; i++) {
        char *va = (char *)(FOREIGN_BASE + i * PAGE_SIZE);
        const uint64_t *slot = leaf((uint64_t)va);
        frames[i] = (*slot & PTE_ADDRESS) >> PAGE_SHIFT;
        xen_update_va_mapping(va, 0, UVMF_INVLPG | UVMF_ALL);
    }
    return n;
}

void pv_foreign_restore(const uint64_t *frames, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        xen_pv_map_again((char *)(FOREIGN_BASE + i * PAGE_SIZE), frames[i]);
    }
}

void *xen_pv_map_foreign(uint64_t mfn)
{
    struct batch batch = {.n = 0};
    int error = 0;
    unsigned level;

    bool was = spin_lock(&tables_lock);
    uint64_t va = next_va;
    uint64_t *slot = walk(va, &level);
    while (level > 1 && error == 0) {
        error = table_add(&batch, slot);
        slot = walk(va, &level);
    }
    if (error == 0) {
        error = batch_add(&batch, slot, mfn << PAGE_SHIFT | PTE_RW, va);
    }
    int late = batch_flush(&batch);
    if (error == 0 && late == 0) {
        next_va += PAGE_SIZE;
    }
    spin_unlock(&tables_lock, was);
    return error == 0 && late == 0 ? (void *)va : NULL;
}

int xen_pv_map_again(void *va, uint64_t mfn)
{
    return (int)xen_update_va_mapping(va, mfn << PAGE_SHIFT | PTE_RW, UVMF_INVLPG | UVMF_ALL);
}

/* ---- machine addresses: a device of PV sees no others ---- */

/*
 * The machine frame that an address of ours stands for. Memory has no guest-physical address that a
 * device could use.
 */
static uint64_t frame_at(uint64_t address)
{
    unsigned level;

    if (in_home(address, 1) || in_image(address, 1)) {
        return pv_map.p2m[pfn_of(address)];
    }
    if (address < HYPERVISOR_VIRT_END) {
        return PFN_NONE;
    }
    const uint64_t *slot = walk(address, &level);
    return level == 1 && (*slot & PTE_PRESENT) ? (*slot & PTE_ADDRESS) >> PAGE_SHIFT : PFN_NONE;
}

paddr_t pv_mem_to_paddr(const void *p, size_t want, size_t *len)
{
    uint64_t address = (uint64_t)p;
    uint64_t first = frame_at(address), mfn = first;
    size_t n = PAGE_SIZE - (address & (PAGE_SIZE - 1));

    if (first == PFN_NONE) {
        *len = 0;
        return PADDR_NONE;
    }
    while (n < want && frame_at(address + n) == mfn + 1) {
        n += PAGE_SIZE;
        mfn++;
    }
    *len = n < want ? n : want;
    return first << PAGE_SHIFT | (address & (PAGE_SIZE - 1));
}

void *pv_mem_from_paddr(paddr_t pa, size_t len)
{
    uint64_t mfn = pa >> PAGE_SHIFT;
    uint64_t offset = pa & (PAGE_SIZE - 1);
    uint64_t pfn;

    /*
     * The table is one of the whole machine: it has holes, and other guests' frames. Only a match
     * both ways is ours.
     */
    if (mfn >= MACH2PHYS_NR_ENTRIES || len > PAGE_SIZE - offset ||
        platform_probe_read(&pfn, machine_to_phys_mapping + mfn, sizeof(pfn)) != 0) {
        return NULL;
    }
    if (pfn >= pv_map.npages || pv_map.p2m[pfn] != mfn) {
        return NULL;
    }
    return pv_map.home + (pfn << PAGE_SHIFT) + offset;
}
