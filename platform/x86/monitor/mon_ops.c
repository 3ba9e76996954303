/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults, and the operations that are not about pages: start, MSRs, hypercalls; copies from and to CPL 3. */
#include <errno.h>

#include <pith/percpu.h>
#include <x86/irq.h>
#include <x86/mon.h>

#include "../mon_layout.h"

/* Those of CPL 3 are handed back to it, those of the monitor on bad arguments become -EFAULT. */
void mon_fault(struct mon_frame *frame)
{
    struct mon_cpu *cpu = (struct mon_cpu *)((uintptr_t)frame & ~(uintptr_t)(MON_CPU_SIZE - 1));
    struct percpu *percpu = (struct percpu *)cpu->vars.percpu;
    struct fault_record *record = (struct fault_record *)((char *)percpu + PERCPU_FAULT);
    struct fault_event *event = &frame->event;
    uint64_t vector = event->vector;
    if ((event->cs & 3) == 0) {
        if (vector == VECTOR_NMI || vector == VECTOR_DB) { /* #DB: a watchpoint on memory we touched */
            ((uint64_t *)percpu)[PERCPU_NMI / 8] |= vector == VECTOR_NMI;
            return;
        }
        if (event->rip >= (uint64_t)mon_fixup_start && event->rip < (uint64_t)mon_fixup_end) {
            event->rip = (uint64_t)mon_fixup_end;
            return;
        }
        vector |= FAULT_IN_MONITOR;
    }
    record->event = *event;
    record->event.vector = vector;
    __asm__ volatile("movq %%cr2, %0" : "=r"(record->address));
    ((uint64_t *)percpu)[PERCPU_OLD_MASK / 8] = percpu->irq_mask;
    percpu->irq_mask = 1;
    /* A fault on the fault stack itself goes on below what is in use there. */
    event->rsp = event->rsp > cpu->vars.fault_low && event->rsp <= cpu->vars.fault_high
                     ? (event->rsp - 128) & ~15UL : cpu->vars.fault_high;
    event->rip = mon_state.trap_entry;
    event->cs = SEL_UCODE;
    event->ss = SEL_UDATA;
    event->rflags = 0x202; /* IF; no TF, DF, AC */
}

/* CPL 0 could touch more than CPL 3, and must not do it for others. */
int mon_user_ok(uint64_t va, uint64_t n, int write)
{
    uint64_t in_image = va - mon_state.image_base, paddr = va - mon_state.home_base;
    if ((int64_t)va >> 47 != -1 || va + n < va || n == 0 || n > 4096) {
        return 0;
    }
    if (in_image < mon_state.image_pages * 4096) {
        paddr = mon_state.image_paddr + in_image;
        if (write && in_image / 4096 < mon_state.image_ro_pages) {
            return 0;
        }
    }
    return !mon_owned(paddr / 4096) && !mon_owned((paddr + n - 1) / 4096);
}

int mon_copy_in(void *dst, const void *src, size_t n)
{
    return mon_user_ok((uint64_t)src, n, 0) ? mon_copy(dst, src, n / 8) : -EFAULT;
}

int mon_copy_out(void *dst, const void *src, size_t n)
{
    return mon_user_ok((uint64_t)dst, n, 1) ? mon_copy(dst, src, n / 8) : -EFAULT;
}

/* MON_START: the image runs at its final address; the low mapping that it booted through goes away. */
int64_t mon_op_start(void)
{
    mon_pml4[0] = 0;
    __asm__ volatile("movq %0, %%cr4" : : "r"(mon_state.cr4) : "memory");
    mon_flush();
    return 0;
}

int64_t mon_op_wrmsr(uint64_t msr, uint64_t value)
{
    if (msr == MSR_FS_BASE) {
        return (int64_t)(value << 16) >> 16 == (int64_t)value ? mon_wrmsr(msr, value) : -EINVAL;
    }
    /* These make the host write to a guest-physical address: only to what is CPL 3's. */
    if (mon_state.sealed || (msr != MSR_KVM_WALL && msr != MSR_KVM_TIME) ||
        !mon_user_ok(mon_state.home_base + (value & ~3UL), 32, 1)) {
        return -EPERM;
    }
    return mon_wrmsr(msr, value);
}

#define POINTER   3u  /* which argument is one, from 1; 0: none */
#define ALLOWED   4u  /* before the seal */
#define STAYS     12u /* allowed after the seal too */
#define FRAME     16u /* that too; about the frame at arg[2] alone */

/* What a hypercall may do (numbers and arguments: xen public/xen.h and the header of each). */
static const uint8_t rules[] = {
    [12] = ALLOWED | 2, [20] = ALLOWED | 2,                  /* memory_op, grant_table_op */
    [15] = STAYS, [18] = STAYS | 3,                          /* set_timer_op(deadline), console_io(op, n, pointer) */
    [17] = STAYS | 2, [29] = STAYS | 2, [32] = STAYS | 2,    /* xen_version, sched_op, event_channel_op (op, pointer) */
    [24] = ALLOWED | 3, [34] = ALLOWED | 2,                  /* vcpu_op, hvm_op */
};

#define SUB(nr, op) ((nr) << 8 | (op))

static unsigned hypercall_rule(struct mon_hypercall *c)
{
    uint64_t sub = c->arg[0], *own = &c->arg[2];
    unsigned rule = c->nr < sizeof(rules) ? rules[c->nr] : 0;
    switch (sub >> 8 ? 0 : (unsigned)(c->nr << 8 | sub)) {
    case SUB(12, 1): case SUB(12, 6): /* decrease_reservation, populate_physmap */
        return FRAME;
    case SUB(24, 4): case SUB(24, 8): case SUB(24, 9): case SUB(34, 1): /* run times, one-shot timer, get_param */
        return rule | STAYS;
    case SUB(12, 7): /* add_to_physmap, from arg[2..4]: shared info, grant table beside RAM */
        if (own[0] >> 33 || own[2] < mon_state.ram_pages) {
            return rule;
        }
        break;
    case SUB(34, 0): /* set_param: CALLBACK_IRQ is 1, which is no interrupt on PVH but tells the toolstack of us */
        own[0] = DOMID_SELF;
        own[1] = 1;
        break;
    case SUB(34, 23): /* set_evtchn_upcall_vector */
        own[0] = (uint16_t)own[0] | (uint64_t)IRQ_XEN << 32;
        break;
    default:
        return rule;
    }
    c->arg[1] = (uint64_t)own;
    return STAYS;
}

/* MON_HYPERCALL: Xen refuses hypercalls from CPL 3 of a PVH guest, so a batch of them goes through here. */
int64_t mon_op_hypercall(struct mon_hypercall *call, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        struct mon_hypercall one;
        int rc = mon_copy_in(&one, call + i, sizeof(one));
        unsigned rule = hypercall_rule(&one), at = rule & POINTER;
        uint64_t size = one.nr == 18 ? one.arg[1] : one.nr == 17 ? 1024 : 64;
        int writes = !(one.nr == 18 && one.arg[0] == 0);
        if (rc) {
            return rc;
        }
        if (mon_state.xen == 0 || rule < (mon_state.sealed ? STAYS : ALLOWED) ||
            (at && one.arg[at - 1] && size && !mon_user_ok(one.arg[at - 1], size, writes))) {
            return -EPERM;
        }
        one.result = rule == FRAME ? mon_move_frame(&one) : mon_vmcall(&one);
        rc = mon_copy_out(&call[i].result, &one.result, sizeof(one.result));
        if (rc) {
            return rc;
        }
    }
    return 0;
}
