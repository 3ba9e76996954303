/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a PV guest does to be saved, and after it has been restored.
 *
 * The toolstack writes the domain down in page frame numbers and puts new machine frames in their
 * place: in our page tables, in the p2m, and in start_info, whose frame we name in the call's third
 * argument. It finds the p2m through a tree of frame lists in the shared info page. What has no page
 * frame number must not be in a page table: the shared info page and the grant table. Source: xen
 * tools/libs/guest/xg_sr_save_x86_pv.c and xg_sr_restore_x86_pv.c; public/arch-x86/xen.h, struct
 * arch_shared_info; public/sched.h, SHUTDOWN_suspend.
 */
#include "pv.h"

#include <errno.h>

#include <pith/log.h>
#include <pith/page.h>
#include <x86/cpu.h>
#include <xenplat/evtchn.h>
#include <xenplat/grant.h>
#include <xenplat/pv.h>
#include <xenplat/services.h>
#include <xenplat/suspend.h>

#define LIST_FRAMES (PAGE_SIZE / sizeof(uint64_t)) /* frames that a page of a list names */

static uint64_t *lists; /* the list of lists, then the lists; NULL: none yet */

static uint64_t frame_of(const void *p)
{
    return pv_map.p2m[((uint64_t)p - (uint64_t)pv_map.home) >> PAGE_SHIFT];
}

/*
 * The tree: shared info -> list of lists -> lists -> pages of the p2m. Linux's newer form, an address
 * and a cr3, is cut short by the tools where the p2m does not begin at 1 GiB of its own.
 */
int xen_pv_publish_p2m(void)
{
    uint64_t leaves = (pv_map.npages + LIST_FRAMES - 1) / LIST_FRAMES;
    uint64_t nlists = (leaves + LIST_FRAMES - 1) / LIST_FRAMES;

    if (nlists > LIST_FRAMES) {
        return -E2BIG; /* 512 GiB */
    }
    if (lists == NULL) {
        lists = page_alloc_n(1 + nlists);
        if (lists == NULL) {
            return -ENOMEM;
        }
    }
    for (uint64_t i = 0; i < LIST_FRAMES; i++) {
        lists[i] = i < nlists ? frame_of(lists + (1 + i) * LIST_FRAMES) : 0;
    }
    for (uint64_t i = 0; i < nlists * LIST_FRAMES; i++) {
        lists[LIST_FRAMES + i] = i < leaves ? frame_of(pv_map.p2m + i * LIST_FRAMES) : 0;
    }
    xen_shared_info->arch.max_pfn = pv_map.npages;
    xen_shared_info->arch.p2m_cr3 = 0; /* the tree counts */
    xen_shared_info->arch.pfn_to_mfn_frame_list_list = frame_of(lists);
    return 0;
}

static long map_shared_info(uint64_t machine)
{
    uint64_t pte = machine != 0 ? machine | PTE_RW : 0;
    return xen_update_va_mapping(xen_shared_info, pte, UVMF_INVLPG | UVMF_ALL);
}

/* The two rings, by page frame numbers from here on. */
static void name_by_pfn(struct start_info *si)
{
    si->store_mfn = machine_to_phys_mapping[si->store_mfn];
    si->console.domU.mfn = machine_to_phys_mapping[si->console.domU.mfn];
}

static void name_by_mfn(struct start_info *si)
{
    si->store_mfn = pv_map.p2m[si->store_mfn];
    si->console.domU.mfn = pv_map.p2m[si->console.domU.mfn];
}

/*
 * As a new domain. Its vcpu_info is that in the shared info page, whose mask we have closed before;
 * registering ours copies it.
 */
static void take_over(void)
{
    if (map_shared_info(pv_start_info->shared_info) != 0 || pv_register_vcpu() != 0) {
        pv_boot_fail("going on after a restore", 0);
    }
    pv_set_traps();
    pv_find_given();
    xen_pv_publish_p2m(); /* the toolstack has taken the tree away: it names the old frames */
}

int xen_pv_suspend(void)
{
    static uint64_t foreign[GRANT_MAX_FRAMES];
    struct sched_shutdown arg = {.reason = SHUTDOWN_suspend};
    struct start_info *si = pv_start_info;
    uint64_t shared = si->shared_info;

    int error = xen_pv_publish_p2m();
    if (error != 0) {
        return error;
    }
    unsigned n = pv_foreign_unmap(foreign, GRANT_MAX_FRAMES);
    if (n > GRANT_MAX_FRAMES) {
        return -E2BIG;
    }
    xen_shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    name_by_pfn(si);
    map_shared_info(0);
    long result = xen_errno(xen_hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown,
                                          (unsigned long)&arg, frame_of(si), 0, 0));
    if (result == 0) {
        take_over();
        return 0;
    }
    map_shared_info(shared);
    name_by_mfn(si);
    pv_foreign_restore(foreign, n);
    return (int)result;
}
