/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers of each CPU: a heap of deadlines over the platform's one-shot clock.
 *
 * Setting the clock may cost an exit to the host. So it is set when a deadline earlier than the
 * programmed one comes, and not when the earliest is cancelled: the interrupt then finds nothing to
 * do and sets the next one.
 */
#include <pith/timer.h>

#include <stddef.h>

#include "sched.h"
#include "timer_heap.h"

/* So many timers run per interrupt: a timer that arms itself in the past must not keep the CPU. */
#define TIMERS_PER_INTERRUPT 128u

void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
    *t = (struct timer){ .fn = fn };
}

static void remove_locked(struct cpu_sched *sched, struct timer *t)
{
    sched->timers = timer_heap_remove(sched->timers, t);
    t->cpu = NULL;
}

bool timer_cancel(struct timer *t)
{
    bool armed = false;
    bool was = irq_save();

    struct percpu *cpu = __atomic_load_n(&t->cpu, __ATOMIC_RELAXED);
    if (cpu != NULL) {
        struct cpu_sched *sched = cpu_sched(cpu);
        spin_acquire(&sched->timer_lock);
        armed = t->cpu == cpu; /* else it has just run there */
        if (armed) {
            remove_locked(sched, t);
        }
        spin_release(&sched->timer_lock);
    }
    irq_restore(was);
    return armed;
}

void timer_arm(struct timer *t, uint64_t deadline_ns)
{
    bool was = irq_save();

    if (t->cpu != NULL) {
        timer_cancel(t);
    }
    struct percpu *cpu = percpu_this();
    struct cpu_sched *sched = cpu_sched(cpu);
    spin_acquire(&sched->timer_lock);
    t->deadline_ns = deadline_ns;
    t->cpu = cpu;
    sched->timers = timer_heap_insert(sched->timers, t);
    bool set = deadline_ns < sched->programmed_ns && !sched->in_timer;
    if (set) {
        sched->programmed_ns = deadline_ns;
    }
    spin_release(&sched->timer_lock);
    if (set) {
        platform_timer_set(deadline_ns);
    }
    irq_restore(was);
}

/* The next timer that is due, taken out of the heap; NULL when there is none. */
static struct timer *take_expired(struct cpu_sched *sched, uint64_t now)
{
    spin_acquire(&sched->timer_lock);
    struct timer *t = sched->timers;
    if (t != NULL && t->deadline_ns <= now) {
        remove_locked(sched, t);
    } else {
        t = NULL;
    }
    spin_release(&sched->timer_lock);
    return t;
}

void timer_interrupt(void)
{
    struct cpu_sched *sched = cpu_sched(percpu_this());
    uint64_t now = platform_clock_ns();
    struct timer *t;

    sched->in_timer = true;
    for (unsigned n = 0; n < TIMERS_PER_INTERRUPT && (t = take_expired(sched, now)) != NULL; n++) {
        t->fn(t);
    }
    sched->in_timer = false;

    spin_acquire(&sched->timer_lock);
    uint64_t next = sched->timers != NULL ? sched->timers->deadline_ns : UINT64_MAX;
    sched->programmed_ns = next;
    spin_release(&sched->timer_lock);
    if (next != UINT64_MAX) {
        platform_timer_set(next);
    }
}
