/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the interrupt entry, the idle loop and an opened mask share: run the handlers, then the
 * scheduler.
 */
#include <stdbool.h>

#include <pith/platform.h>

#include <x86/ops.h>

int x86_irq_run(void);

static bool wants_schedule(const struct percpu *cpu)
{
    return cpu->need_resched && cpu->preempt_count == 0;
}

static void dispatch(struct percpu *cpu)
{
    cpu->irq_depth++;
    platform_ops->irq_dispatch();
    cpu->irq_depth--;
}

/*
 * For irq_entry.S: handle all that is recorded; returns whether to preempt the interrupted thread.
 */
int x86_irq_run(void)
{
    struct percpu *cpu = percpu_this();
    dispatch(cpu);
    return wants_schedule(cpu);
}

void platform_irq_replay(void)
{
    bool pending;
    do {
        (void)irq_save();
        struct percpu *cpu = percpu_this();
        dispatch(cpu);
        if (wants_schedule(cpu)) {
            thread_preempt(0); /* a call, so the compiler holds no vector state across it */
        }
        __asm__ volatile("movb $0, %%gs:%c1\n\tcmpb $0, %%gs:%c2"
                         : "=@ccne"(pending) : "i"(PERCPU_IRQ_MASK), "i"(PERCPU_IRQ_PENDING) : "memory");
    } while (pending);
}

void platform_idle(void)
{
    platform_ops->idle();
    if (percpu_this()->irq_pending) {
        dispatch(percpu_this());
    }
}
