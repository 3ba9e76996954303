/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults of CPL 3, after the entry code of the platform has built a frame. */
#pragma once

#include <stdbool.h>

#include <pith/trap.h>

/*
 * Deal with a fault: a fixup changes the frame's RIP and returns; without one panic_trap() ends the
 * machine. Context: masked, on the fault stack or (Xen PV) the faulting stack.
 */
void x86_trap(struct trap_frame *frame);

/*
 * Try wrfsbase under a fixup and remember whether it works: neither CPUID nor a table decides it
 * (the software KVM lists no FSGSBASE and yet has it). Context: traps work.
 */
void x86_probe_fsgsbase(void);

extern bool x86_has_fsgsbase;

/*
 * A fixup: a fault at `from` continues at `to`. For assembly: FIXUP(1b, 2b) in the text emits the
 * entry.
 */
#define X86_FIXUP(from, to)                    \
    ".pushsection .pith.fixup, \"a\"\n\t"      \
    ".long " #from " - ., " #to " - .\n\t"     \
    ".popsection\n\t"
