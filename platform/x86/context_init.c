/* SPDX-License-Identifier: BSD-2-Clause */
/* The first stack frame of a new thread, as context_switch.S restores it. */
#include <pith/platform.h>

#define MXCSR_DEFAULT 0x1f80u /* psABI 3.2.1: all exceptions masked, round to nearest */
#define FCW_DEFAULT   0x037fu

struct start_frame {
    uint64_t rbp, rbx, r12, r13, r14, r15;
    uint32_t mxcsr, fcw;
    void (*ret)(void);
};

void context_start(void);

void platform_context_init(struct context *ctx, void *stack_top, void (*entry)(void *), void *arg)
{
    uintptr_t top = (uintptr_t)stack_top & ~(uintptr_t)15;
    struct start_frame *frame = (struct start_frame *)(top - sizeof(struct start_frame));

    *frame = (struct start_frame){
        .rbx = (uint64_t)entry,
        .r12 = (uint64_t)arg,
        .mxcsr = MXCSR_DEFAULT,
        .fcw = FCW_DEFAULT,
        .ret = context_start,
    };
    ctx->sp = frame;
}
