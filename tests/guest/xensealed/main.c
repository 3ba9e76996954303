/* SPDX-License-Identifier: BSD-2-Clause */
/* What the monitor lets a PVH guest have of Xen after the seal, and what it does not. */
#include <errno.h>
#include <stdint.h>

#include <pith/page.h>
#include <pith/platform.h>
#include <pith/thread.h>
#include <x86/irq.h>
#include <x86/mem.h>
#include <x86/mon.h>
#include <xenplat/evtchn.h>
#include <xenplat/hypercall.h>
#include <xenplat/services.h>

#include <xen/hvm/params.h>

#include "check.h"
#include "elsewhere.h"

extern char mon_pml4[];
extern char mon_fault[];

static uint64_t paddr_of(const void *page)
{
    size_t len;
    return mem_to_paddr(page, PAGE_SIZE, &len);
}

static long raw(unsigned nr, unsigned long op, uint64_t a2, uint64_t a3)
{
    return xen_hypercall(nr, op, a2, a3, 0, 0);
}

static long move(int cmd, uint64_t paddr)
{
    return raw(__HYPERVISOR_memory_op, (unsigned long)cmd, 0, paddr);
}

static int map_again(void *va, void *page)
{
    struct page_op op = {.va = va, .page = page, .npages = 1, .prot = PAGE_PROT_WRITE};
    return platform_page_ops(&op, 1);
}

static void places(void)
{
    uint64_t ram = paddr_of(__builtin_frame_address(0)) >> PAGE_SHIFT, beside = 1ul << 24;
    struct xen_add_to_physmap map = {
        .domid = DOMID_SELF,
        .space = XENMAPSPACE_grant_table,
        .gpfn = beside,
    };

    CHECK(xen_place_frame(XENMAPSPACE_grant_table, 0, ram) == -EPERM);
    CHECK(xen_place_frame(XENMAPSPACE_shared_info, 0, 0) == -EPERM);
    CHECK(xen_place_frame(XENMAPSPACE_gmfn, ram, beside) == -EPERM);
    CHECK(xen_place_frame(XENMAPSPACE_gmfn_range, ram, beside) == -EPERM);
    CHECK(xen_memory_op(XENMEM_add_to_physmap, &map) == -EPERM); /* not from memory that may change */
}

/* The vector stays ours whatever the caller names, so events go on coming. */
static void vectors(void)
{
    struct xen_hvm_evtchn_upcall_vector other = {.vcpu = 0, .vector = 0x80};
    struct xen_hvm_param param = {.domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ, .value = 2ul << 56 | 0xf3};
    uint64_t before = irq_count(IRQ_XEN);

    raw(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, (uint64_t)&other, 0x8000000000ul);
    CHECK(raw(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, 0, 4000) < 0); /* no such CPU */
    raw(__HYPERVISOR_hvm_op, HVMOP_set_param, (uint64_t)&param, 2ul << 32 | DOMID_SELF);
    CHECK(xen_hvm_op(HVMOP_get_param, &param) == 0);
    CHECK_EQ(param.value, 1);
    uint64_t until = platform_clock_ns() + 20000000; /* a timer of the scheduler's is such an event */
    while (platform_clock_ns() < until || irq_count(IRQ_XEN) == before) {
        thread_sleep_until(platform_clock_ns() + 1000000);
    }
    CHECK(irq_count(IRQ_XEN) > before);
}

static void pointers(void)
{
    CHECK(xen_hvm_op(HVMOP_get_param, mon_pml4) == -EPERM);
    CHECK(xen_hvm_op(HVMOP_get_param, mon_fault) == -EPERM);
    CHECK(xen_vcpu_op(VCPUOP_get_runstate_info, 0, mon_pml4) == -EPERM);
    CHECK(xen_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &(uint64_t){0}) == -EPERM);
    CHECK(xen_sched_op(SCHEDOP_poll, mon_pml4) == -EPERM);
    CHECK(xen_hvm_op(HVMOP_flush_tlbs, NULL) == -EPERM);
    CHECK(xen_memory_op(XENMEM_memory_map, mon_pml4) == -EPERM);
}

/* A frame goes to Xen and comes again; meanwhile nothing can be made of it. */
static void frames(void)
{
    char *page = page_alloc(0), *other = page_alloc(0);
    uint64_t pa = paddr_of(page), v;

    CHECK_EQ(move(XENMEM_decrease_reservation, paddr_of(mon_pml4)), -EPERM);
    CHECK_EQ(move(XENMEM_populate_physmap, paddr_of(mon_pml4)), -EPERM);
    CHECK_EQ(move(XENMEM_decrease_reservation, paddr_of(frames)), -EPERM); /* the image's */
    CHECK_EQ(move(XENMEM_decrease_reservation, pa + 8), -EPERM);
    CHECK_EQ(move(XENMEM_decrease_reservation, pa | 1ul << 52), -EPERM);
    CHECK_EQ(move(XENMEM_decrease_reservation, 1ul << 36), -EPERM); /* beside RAM */
    CHECK_EQ(move(XENMEM_populate_physmap, 1ul << 36), -EPERM);
    CHECK_EQ(move(XENMEM_populate_physmap, pa), -EPERM); /* it is there */

    CHECK_EQ(map_again(page, page), 0); /* its own entry, should it be part of a large one */
    CHECK_EQ(move(XENMEM_decrease_reservation, pa), 1);
    CHECK_EQ(platform_probe_read(&v, page, sizeof(v)), -EFAULT);
    CHECK_EQ(map_again(page, page), -EPERM);
    CHECK_EQ(map_again(page, other), -EPERM);
    CHECK_EQ(map_again(elsewhere(0), page), -EPERM);
    CHECK_EQ(mon_call(MON_DONATE, pa, 0, 0), -EPERM);
    CHECK_EQ(move(XENMEM_decrease_reservation, pa), -EPERM);
    CHECK_EQ(move(XENMEM_populate_physmap, pa), 1);
    *(volatile uint64_t *)page = 1; /* and is ours as before */
    CHECK_EQ(move(XENMEM_populate_physmap, pa), -EPERM);
    CHECK_EQ(map_again(page, page), 0);
    page_free(page, 0);
    page_free(other, 0);
}

int main(void)
{
    check_run("places", places);
    check_run("vectors", vectors);
    check_run("pointers", pointers);
    check_run("frames", frames);
    return check_done();
}
