/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults: fixups, names, and the probe for wrfsbase that needs both. */
#include <x86/trap.h>

#include <stddef.h>

#include <pith/platform.h>

#include <x86/image.h>
#include <x86/machine.h>
#include <x86/percpu_slots.h>

#define NEAR       4096u
#define NEAR_FRAME 256u
#define RFLAGS_TF (1ul << 8)
#define RFLAGS_DF (1ul << 10)
#define RFLAGS_AC (1ul << 18)

void trap_diverted(void); /* trap_entry.S */

struct fixup {
    int32_t from, to; /* each relative to its own address */
};

extern const struct fixup __fixup_start[];
extern const struct fixup __fixup_end[];

bool x86_has_fsgsbase;

const char *trap_name(uint64_t vector)
{
    static const char *const names[] = {
        "divide error", "debug exception", "non-maskable interrupt", "breakpoint", "overflow",
        "bound range", "invalid opcode", "no FPU", "double fault", "FPU overrun", "invalid TSS",
        "segment not present", "stack segment fault", "general protection fault", "page fault",
        "exception 15", "x87 FPU error", "alignment check", "machine check", "SIMD FPU error",
        "virtualization exception", "control protection",
    };
    if (vector & 0x100) {
        return "fault inside the monitor";
    }
    return vector < sizeof(names) / sizeof(names[0]) ? names[vector] : "unknown exception";
}

void x86_trap(struct trap_frame *frame)
{
    if (frame->vector != 14) {
        frame->address = 0;
    }
    for (const struct fixup *f = __fixup_start; f < __fixup_end; f++) {
        if ((uint64_t)&f->from + (uint64_t)(int64_t)f->from == frame->rip) {
            frame->rip = (uint64_t)&f->to + (uint64_t)(int64_t)f->to;
            return;
        }
    }
    struct percpu *cpu = percpu_this();
    bool masked = *(const uint8_t *)((const char *)cpu + PERCPU_OLD_MASK) != 0;
    if (!masked && cpu->irq_depth == 0 && cpu->preempt_count == 0 && trap_take(frame)) {
        return;
    }
    panic_trap(frame);
}

/* The copy lies below `top`; trap_entry.S goes on with it and comes back to it. */
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

void x86_probe_fsgsbase(void)
{
    uint64_t base;
    bool works = true;

    /* The faulting path skips the note of success; nothing else changes. */
    __asm__ volatile("movq %%fs:0, %0\n"
                     "1:\twrfsbase %0\n\t"
                     "jmp 3f\n"
                     "2:\tmovb $0, %1\n"
                     "3:\n\t" X86_FIXUP(1b, 2b)
                     : "=&r"(base), "+m"(works));
    x86_has_fsgsbase = works;
}
