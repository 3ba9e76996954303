/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults: fixups, names, and the probe for wrfsbase that needs both. */
#include <x86/trap.h>

#include <stddef.h>

#include <pith/platform.h>

#include <x86/image.h>
#include <x86/percpu_slots.h>

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
