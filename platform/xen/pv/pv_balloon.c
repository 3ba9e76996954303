/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PV: one page back to Xen, or from it. The p2m tells who saves the domain which pages there are, so
 * it has to be right at any time that a suspension may come, which is between two calls.
 */
#include "../balloon.h"
#include "pv.h"

#include <errno.h>

#include <xen/memory.h>

static uint64_t pfn_of(const void *page)
{
    return (uint64_t)((const char *)page - pv_map.home) >> PAGE_SHIFT;
}

/* The p2m is read-only at home, like page tables, against strays; it is none to Xen. */
static int write_p2m(uint64_t pfn, uint64_t mfn)
{
    uint64_t *slot = (uint64_t *)&pv_map.p2m[pfn];
    void *table = (void *)((uint64_t)slot & ~(PAGE_SIZE - 1));
    uint64_t frame = pv_map.p2m[pfn_of(table)] << PAGE_SHIFT;
    long error = xen_update_va_mapping(table, frame | PTE_RW | PTE_FIXED, UVMF_INVLPG | UVMF_ALL);

    if (error == 0) {
        __atomic_store_n(slot, mfn, __ATOMIC_RELEASE);
        error = xen_update_va_mapping(table, frame | PTE_RO | PTE_FIXED, UVMF_INVLPG | UVMF_ALL);
    }
    return (int)error;
}

static long map(void *page, uint64_t mfn)
{
    uint64_t pte = mfn != PFN_NONE ? mfn << PAGE_SHIFT | PTE_RW : 0;
    return xen_update_va_mapping(page, pte, UVMF_INVLPG | UVMF_ALL);
}

/* How many of the one extent were done; *frame is read, and written by populate_physmap. */
static long move(int cmd, uint64_t *frame)
{
    struct xen_memory_reservation one = {.nr_extents = 1, .domid = DOMID_SELF};

    set_xen_guest_handle(one.extent_start, frame);
    return xen_memory_op(cmd, &one);
}

int xen_pv_page_leave(void *page)
{
    uint64_t pfn = pfn_of(page), mfn = pv_map.p2m[pfn], frame = mfn;

    if (map(page, PFN_NONE) != 0) {
        return -EIO;
    }
    int error = write_p2m(pfn, PFN_NONE);
    if (error == 0 && move(XENMEM_decrease_reservation, &frame) == 1) {
        return 0;
    }
    write_p2m(pfn, mfn);
    map(page, mfn);
    return -EBUSY;
}

int xen_pv_page_back(void *page)
{
    uint64_t pfn = pfn_of(page), frame = pfn;

    if (move(XENMEM_populate_physmap, &frame) != 1) {
        return -ENOMEM;
    }
    if (write_p2m(pfn, frame) == 0 && map(page, frame) == 0) {
        return 0;
    }
    write_p2m(pfn, PFN_NONE);
    move(XENMEM_decrease_reservation, &frame);
    return -EIO;
}
