/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults that go on in libos: the frame's copy, and where trap_diverted finds it. */
#include <stddef.h>

#include <pith/platform.h>
#include <pith/trap.h>

#include <x86/machine.h>

#define NEAR       4096u
#define NEAR_FRAME 256u
#define RFLAGS_TF (1ul << 8)
#define RFLAGS_DF (1ul << 10)
#define RFLAGS_AC (1ul << 18)

void trap_diverted(void); /* divert_entry.S */

/* The copy lies below `top`; divert_entry.S goes on with it and comes back to it. */
void platform_trap_divert(struct trap_frame *frame, void *top)
{
    uintptr_t end = (uintptr_t)top, here = (uintptr_t)__builtin_frame_address(0);
    if (here < end && end - here < NEAR) {
        end = here - NEAR_FRAME; /* Xen PV: this runs on the faulting stack itself */
    }
    uintptr_t sp = (end - sizeof(*frame)) & ~(uintptr_t)63;
    *(struct trap_frame *)sp = *frame;
    frame->rdi = sp;
    frame->rsp = sp;
    frame->rip = (uintptr_t)trap_diverted;
    frame->rflags &= ~(RFLAGS_TF | RFLAGS_DF | RFLAGS_AC);
}

size_t platform_trap_room(void)
{
    return x86_xstate_size + sizeof(struct trap_frame) + NEAR + 512; /* alignments, frames of interrupts */
}
