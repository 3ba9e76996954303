/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt and fault entries of CPL 3 (irq_entry.S, trap_entry.S), for those who fill gates
 * and for Xen PV.
 */
#pragma once

#define IRQ_STUB(i)    ((i) * 4 + (i) / 32 * 8) /* where one is: a push and a short jump; 8 bytes per half */
#define IRQ_UNEXPECTED 63 /* index that stands for every vector outside the range; its own is not given out */

#ifndef __ASSEMBLER__
/*
 * One stub per vector of irq.h, at IRQ_STUB(); reached by trap gates on the interrupted stack.
 */
void irq_stubs(void);
void irq_spurious(void);

/*
 * Where the monitor continues a faulting CPL 3, on the CPU's fault stack, masked, registers as at
 * the fault.
 */
void trap_entry(void);
#endif
