/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-CPU data, found through %gs.
 *
 * The block at PERCPU_EVENT has the layout of Xen's vcpu_info (public/xen.h: byte 0 pending, byte 1
 * mask), because a PV guest registers that very memory with Xen. The other platforms keep the same
 * two bytes by hand, so masking is one instruction everywhere and libos need not know which it runs
 * on.
 */
#pragma once

#define PERCPU_SELF        0x00
#define PERCPU_CURRENT     0x08
#define PERCPU_ID          0x10
#define PERCPU_PREEMPT     0x14
#define PERCPU_RESCHED     0x18
#define PERCPU_IRQ_DEPTH   0x1c
#define PERCPU_EVENT       0x40
#define PERCPU_IRQ_PENDING 0x40
#define PERCPU_IRQ_MASK    0x41
#define PERCPU_PLATFORM    0x80
#define PERCPU_LIBOS       0x180
#define PERCPU_HEAP        0x300

#define PERCPU_MAX_CPUS 64

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct thread;

struct percpu {
    struct percpu *self;      /* what %gs:0 holds, so that C can take the address */
    struct thread *current;   /* the running thread; written by the scheduler only */
    uint32_t id;              /* 0 is the boot CPU */
    uint32_t preempt_count;   /* preemption is allowed at 0; written by its own CPU only */
    uint32_t need_resched;    /* set by interrupts and wake-ups, consumed by the scheduler */
    uint32_t irq_depth;       /* 1 while interrupt handlers run */
    uint8_t pad[0x20];
    uint8_t irq_pending;      /* an event waits for the mask to open */
    uint8_t irq_mask;         /* 1: interrupts are recorded, not handled */
    uint8_t event_rest[62];   /* rest of vcpu_info on Xen PV */
    uint64_t platform[32];    /* belongs to platform/x86: vectors pending, scratch, stacks */
    uint64_t libos[48];       /* belongs to libos/core: run queue, idle thread, timers */
    uint64_t heap[56];        /* belongs to the heap: this CPU's free objects */
};

_Static_assert(offsetof(struct percpu, current) == PERCPU_CURRENT, "percpu layout");
_Static_assert(offsetof(struct percpu, need_resched) == PERCPU_RESCHED, "percpu layout");
_Static_assert(offsetof(struct percpu, irq_depth) == PERCPU_IRQ_DEPTH, "percpu layout");
_Static_assert(offsetof(struct percpu, irq_pending) == PERCPU_IRQ_PENDING, "percpu layout");
_Static_assert(offsetof(struct percpu, irq_mask) == PERCPU_IRQ_MASK, "percpu layout");
_Static_assert(offsetof(struct percpu, platform) == PERCPU_PLATFORM, "percpu layout");
_Static_assert(offsetof(struct percpu, libos) == PERCPU_LIBOS, "percpu layout");
_Static_assert(offsetof(struct percpu, heap) == PERCPU_HEAP, "percpu layout");

/*
 * This CPU's block. Only meaningful while the caller can't move: interrupts masked or preemption
 * off.
 */
static inline struct percpu *percpu_this(void)
{
    struct percpu *p;
    __asm__ volatile("movq %%gs:0, %0" : "=r"(p));
    return p;
}
#endif
