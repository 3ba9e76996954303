/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults: those of CPL 3 are handed back to it, those of the monitor on bad arguments become -EFAULT. */
#include <errno.h>

#include <pith/percpu.h>
#include <x86/percpu_slots.h>

#include "mon.h"

#define VECTOR_DB 1
#define VECTOR_NMI 2

extern char mon_fixup_start[];
extern char mon_fixup_end[];
extern char mon_fixup_fail[];

static inline uint64_t read_cr2(void)
{
    uint64_t v;
    __asm__ volatile("movq %%cr2, %0" : "=r"(v));
    return v;
}

/* Where CPL 3's fault entry gets its stack: below what a fault on that stack uses already. */
static uint64_t fault_stack(const struct mon_vars *vars, uint64_t rsp)
{
    if (rsp > vars->fault_low && rsp <= vars->fault_high) {
        return (rsp - 128) & ~15UL;
    }
    return vars->fault_high;
}

void mon_fault(struct mon_frame *frame)
{
    struct mon_cpu *cpu = (struct mon_cpu *)((uintptr_t)frame & ~(uintptr_t)(MON_CPU_SIZE - 1));
    struct percpu *percpu = (struct percpu *)cpu->vars.percpu;
    uint64_t vector = frame->vector;

    if ((frame->cs & 3) == 0) {
        if (vector == VECTOR_NMI) {
            ((uint64_t *)percpu)[PERCPU_NMI / 8] = 1;
            return;
        }
        if (vector == VECTOR_DB) {
            return; /* a watchpoint of CPL 3 on memory that the monitor touched */
        }
        if (frame->rip >= (uint64_t)mon_fixup_start && frame->rip < (uint64_t)mon_fixup_end) {
            frame->rip = (uint64_t)mon_fixup_fail;
            return;
        }
        vector |= FAULT_IN_MONITOR;
    }
    struct fault_record *record = (struct fault_record *)((char *)percpu + PERCPU_FAULT);
    record->vector = vector;
    record->error = frame->error;
    record->rip = frame->rip;
    record->cs = frame->cs;
    record->rflags = frame->rflags;
    record->rsp = frame->rsp;
    record->ss = frame->ss;
    record->address = read_cr2();
    ((uint64_t *)percpu)[PERCPU_OLD_MASK / 8] = percpu->irq_mask;
    percpu->irq_mask = 1;
    frame->rsp = fault_stack(&cpu->vars, frame->rsp);
    frame->rip = mon_state.trap_entry;
    frame->cs = SEL_UCODE;
    frame->ss = SEL_UDATA;
    frame->rflags = 0x202; /* IF; no TF, DF, AC */
}
