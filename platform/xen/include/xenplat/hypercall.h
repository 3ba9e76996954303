/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hypercalls by name, the same for PV and PVH (xen public headers; numbers: public/xen.h).
 *
 * A raw result is >= 0 or a negative XEN_E* number of public/errno.h; xen_errno() makes ours of it.
 * The typed wrappers below have done that already. Pointers must be mapped addresses of ours.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xenplat/abi.h>

#include <xen/event_channel.h>
#include <xen/hvm/hvm_op.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

/*
 * True on PV, where a hypercall is one instruction; false on PVH, where the monitor does it for us.
 */
extern bool xen_pv;

/* Any hypercall; raw result. Context: any. */
long xen_hypercall(unsigned nr, unsigned long a1, unsigned long a2, unsigned long a3,
                   unsigned long a4, unsigned long a5);

/* A raw result as 0, a count or -Exxx of <errno.h>. */
long xen_errno(long raw);

/* Most calls are a command and a pointer to its structure. */
static inline long xen_command(unsigned nr, int cmd, void *arg)
{
    return xen_errno(xen_hypercall(nr, (unsigned long)cmd, (unsigned long)arg, 0, 0, 0));
}

static inline long xen_event_channel_op(int cmd, void *arg)
{
    return xen_command(__HYPERVISOR_event_channel_op, cmd, arg);
}

static inline long xen_sched_op(int cmd, void *arg)
{
    return xen_command(__HYPERVISOR_sched_op, cmd, arg);
}

static inline long xen_vcpu_op(int cmd, unsigned vcpu, void *arg)
{
    return xen_errno(xen_hypercall(__HYPERVISOR_vcpu_op,
                                   (unsigned long)cmd, vcpu, (unsigned long)arg, 0, 0));
}

/* One VIRQ_TIMER event at absolute Xen system time; 0 cancels. */
static inline long xen_set_timer_op(uint64_t system_time_ns)
{
    return xen_errno(xen_hypercall(__HYPERVISOR_set_timer_op, system_time_ns, 0, 0, 0, 0));
}

/*
 * CONSOLEIO_write, CONSOLEIO_read: the hardware domain only (debug builds of Xen let others write
 * too).
 */
static inline long xen_console_io(int cmd, size_t count, char *buffer)
{
    return xen_errno(xen_hypercall(__HYPERVISOR_console_io,
                                   (unsigned long)cmd, count, (unsigned long)buffer, 0, 0));
}

static inline long xen_memory_op(int cmd, void *arg)
{
    return xen_command(__HYPERVISOR_memory_op, cmd, arg);
}

static inline long xen_hvm_op(int cmd, void *arg)
{
    return xen_command(__HYPERVISOR_hvm_op, cmd, arg);
}

static inline long xen_version(int cmd, void *arg)
{
    return xen_command(__HYPERVISOR_xen_version, cmd, arg);
}

static inline long xen_grant_table_op(int cmd, void *op, unsigned n)
{
    return xen_errno(xen_hypercall(__HYPERVISOR_grant_table_op,
                                   (unsigned long)cmd, (unsigned long)op, n, 0, 0));
}

/*
 * PVH: have Xen's page `index` of a space (XENMAPSPACE_shared_info, _grant_table) at frame `gfn`,
 * which lies above all RAM. The one memory_op that the monitor lets pass after the seal: it takes
 * the structure from the last three arguments (struct xen_add_to_physmap: domid and space, idx,
 * gpfn).
 */
static inline long xen_place_frame(unsigned space, uint64_t index, uint64_t gfn)
{
    return xen_errno(xen_hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, 0,
                                   (uint64_t)space << 32 | DOMID_SELF, index, gfn));
}

/* ---- PV only ---- */

static inline long xen_mmu_update(struct mmu_update *update, unsigned n, unsigned *done)
{
    return xen_errno(xen_hypercall(__HYPERVISOR_mmu_update, (unsigned long)update, n,
                                   (unsigned long)done, DOMID_SELF, 0));
}

static inline long xen_mmuext_op(struct mmuext_op *op, unsigned n)
{
    return xen_errno(xen_hypercall(__HYPERVISOR_mmuext_op, (unsigned long)op, n, 0, DOMID_SELF, 0));
}

static inline long xen_update_va_mapping(const void *va, uint64_t pte, unsigned long flags)
{
    return xen_errno(xen_hypercall(__HYPERVISOR_update_va_mapping,
                                   (unsigned long)va, pte, flags, 0, 0));
}

/* Results of the entries are raw and in the entries. */
static inline long xen_multicall(struct multicall_entry *call, unsigned n)
{
    return xen_errno(xen_hypercall(__HYPERVISOR_multicall, (unsigned long)call, n, 0, 0, 0));
}

static inline long xen_set_trap_table(const struct trap_info *table)
{
    return xen_errno(xen_hypercall(__HYPERVISOR_set_trap_table, (unsigned long)table, 0, 0, 0, 0));
}

static inline long xen_callback_op(int cmd, void *arg)
{
    return xen_command(__HYPERVISOR_callback_op, cmd, arg);
}

static inline long xen_set_segment_base(unsigned which, void *base)
{
    return xen_errno(xen_hypercall(__HYPERVISOR_set_segment_base,
                                   which, (unsigned long)base, 0, 0, 0));
}
