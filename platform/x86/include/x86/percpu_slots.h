/* SPDX-License-Identifier: BSD-2-Clause */
/* What platform/x86 keeps in percpu.platform[]: byte offsets from the start of struct percpu. */
#pragma once

#include <pith/percpu.h>

#define SLOT(n) (PERCPU_PLATFORM + 8 * (n))

#define PERCPU_VECTORS    SLOT(0)  /* bit i: vector IRQ_VECTOR_FIRST + i is recorded */
#define PERCPU_EOI_OWED   SLOT(1)  /* entries that were not acknowledged yet */
#define PERCPU_NMI        SLOT(2)  /* an NMI came while the monitor ran */
#define PERCPU_OLD_MASK   SLOT(3)  /* irq_mask at the time of the fault */
#define PERCPU_FAULT      SLOT(4)  /* struct fault_record: 8 words */
#define PERCPU_START      SLOT(12) /* what a CPU that is being started has to run (cpu.c) */
#define PERCPU_XEN_VCPU   SLOT(13) /* Xen: this CPU's struct vcpu_info */

#ifndef __ASSEMBLER__
#include <stdint.h>

/* What the monitor tells of a fault; only valid until the mask opens. */
struct fault_event {
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

struct fault_record {
    struct fault_event event;
    uint64_t address;
};

#define FAULT_IN_MONITOR 0x100u /* or'ed to the vector: the monitor itself faulted */
#endif
