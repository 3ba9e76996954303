/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt masking of this CPU: a flag in per-CPU memory, no privileged instruction.
 *
 * While the flag is set an arriving interrupt is recorded and returns at once; opening the mask
 * handles what was recorded. Masking nests by saving the previous state.
 */
#pragma once

#include <stdbool.h>

#include <pith/percpu.h>

/*
 * For functions of a program that are called in interrupts (timers, done() and on_event() of devices):
 * vector registers belong to the thread that was interrupted, and compilers use them for plain copies.
 * Such a function may call memcpy(), memmove(), memset() and what its contract says, no other
 * function of the C library.
 */
#define PITH_INTERRUPT __attribute__((target("general-regs-only")))

/*
 * Handle everything recorded, then return with the mask open. Context: mask open, any thread.
 * Platform.
 */
void platform_irq_replay(void);

/*
 * Mask interrupts on this CPU; returns whether they were masked before. One store; no nesting
 * count.
 */
static inline bool irq_save(void)
{
    unsigned char was;
    __asm__ volatile("movb %%gs:%c1, %0\n\tmovb $1, %%gs:%c1"
                     : "=q"(was) : "i"(PERCPU_IRQ_MASK) : "memory");
    return was != 0;
}

/* Open the mask; whether something arrived meanwhile, which platform_irq_replay() is to handle. */
static inline bool irq_open(void)
{
    bool pending;
    __asm__ volatile("movb $0, %%gs:%c1\n\tcmpb $0, %%gs:%c2"
                     : "=@ccne"(pending) : "i"(PERCPU_IRQ_MASK), "i"(PERCPU_IRQ_PENDING) : "memory");
    return pending;
}

/* Open the mask and handle what arrived meanwhile. */
static inline void irq_unmask(void)
{
    if (__builtin_expect(irq_open(), 0)) {
        platform_irq_replay();
    }
}

/* Put the state back that irq_save() returned. */
static inline void irq_restore(bool was_masked)
{
    if (!was_masked) {
        irq_unmask();
    }
}

static inline bool irq_is_masked(void)
{
    unsigned char now;
    __asm__ volatile("movb %%gs:%c1, %0" : "=q"(now) : "i"(PERCPU_IRQ_MASK) : "memory");
    return now != 0;
}
