/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: call a function at a monotonic time, from the one-shot clock; there is no periodic tick.
 * That runs in an interrupt and so is a PITH_INTERRUPT function (pith/irq.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct percpu;

/* The memory is the user's; a timer must be disarmed before it goes away. */
struct timer {
    uint64_t deadline_ns;
    void (*fn)(struct timer *t); /* interrupt context, masked: may wake and arm, must not sleep */
    struct timer *child;         /* pairing heap, private to libos/core */
    struct timer *next;
    struct timer *prev;
    struct percpu *cpu;          /* in whose heap it is; NULL: not armed */
};

void timer_init(struct timer *t, void (*fn)(struct timer *t));

/* Arm (or move) the timer, on the calling CPU. Context: any. */
void timer_arm(struct timer *t, uint64_t deadline_ns);

/*
 * Disarm; returns whether it was armed. On return fn will not run; only where the timer was armed
 * by another CPU it may be running there just now. Context: any.
 */
bool timer_cancel(struct timer *t);

static inline bool timer_armed(const struct timer *t)
{
    return t->cpu != 0;
}
