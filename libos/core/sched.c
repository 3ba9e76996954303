/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: one ready list per CPU, round robin.
 *
 * There is no tick while nobody else is ready. When somebody is, a tick every SLICE_NS preempts the
 * running thread if it came by the last tick's preemption, or has been running since before the
 * last tick. A thread that came by a voluntary switch in between is left for one more tick: so a
 * switch need not set the clock, and every thread gets between one and two slices.
 */
#include "sched.h"

#include <pith/panic.h>

#define SLICE_NS 10000000u

void (*sched_attention_hook)(uintptr_t rip);

static void slice_arm(struct cpu_sched *sched)
{
    sched->slice_armed = true;
    timer_arm(&sched->slice, platform_clock_ns() + SLICE_NS);
}

static void slice_tick(struct timer *timer)
{
    struct percpu *cpu = percpu_this();
    struct cpu_sched *sched = cpu_sched(cpu);

    (void)timer;
    if (list_empty(&sched->ready)) {
        sched->slice_armed = false;
        return;
    }
    if (sched->switched) {
        sched->switched = false;
    } else {
        cpu->need_resched = 1;
    }
    slice_arm(sched);
}

void sched_init_cpu(struct percpu *cpu, struct thread *idle)
{
    struct cpu_sched *sched = cpu_sched(cpu);

    list_init(&sched->ready);
    timer_init(&sched->slice, slice_tick);
    sched->programmed_ns = UINT64_MAX;
    sched->idle = idle;
    idle->cpu = cpu;
    idle->state = THREAD_RUNNING;
    idle->on_cpu = 1;
    cpu->current = idle;
}

/* `from` may be freed by a joiner as soon as on_cpu is 0. */
void sched_finish(void)
{
    struct thread *from = cpu_sched(percpu_this())->from;

    if (__builtin_expect(from->reap, 0)) {
        thread_memory_put(from);
        return;
    }
    __atomic_store_n(&from->on_cpu, 0, __ATOMIC_RELEASE);
}

/* Put t at the end of the ready list. Context: sched->lock held. */
static void append(struct cpu_sched *sched, struct thread *t)
{
    t->state = THREAD_READY;
    list_insert(&sched->ready, &t->run);
}

/*
 * Run the next ready thread, or the idle one; `again` puts prev behind the ready ones first, else
 * the caller has set its state. Returns when prev runs again. Context: masked.
 */
static void switch_away(struct percpu *cpu, struct thread *prev, bool again, bool voluntary)
{
    struct cpu_sched *sched = cpu_sched(cpu);
    struct thread *next = sched->idle;

    spin_acquire(&sched->lock);
    if (again) {
        append(sched, prev);
    }
    struct list *first = sched->ready.next;
    bool more = first != sched->ready.prev;
    if (first != &sched->ready) {
        next = LIST_ENTRY(first, struct thread, run);
        sched->ready.next = first->next; /* its own links stay: nobody asks for them */
        first->next->prev = &sched->ready;
    }
    spin_release(&sched->lock);

    next->state = THREAD_RUNNING;
    if (next == prev) {
        return;
    }
    if (more && !sched->slice_armed) {
        slice_arm(sched);
    }
    sched->switched = voluntary;
    cpu->need_resched = 0;
    sched->from = prev;
    next->on_cpu = 1;
    cpu->current = next;
    platform_context_switch(&prev->context, &next->context, next);
    sched_finish();
}

/*
 * Where nobody is ready the thread waits for an interrupt by itself, on its own stack, rather than
 * switch to the idle thread: the next to run is most often itself. One that is dead has to leave its
 * stack.
 */
void sched_block(void)
{
    struct percpu *cpu = percpu_this();
    struct cpu_sched *sched = cpu_sched(cpu);

    ASSERT(cpu->irq_depth == 0 && cpu->preempt_count == 0);
    if (list_empty(&sched->ready) && cpu->current->state != THREAD_DEAD) {
        sched->idling = true;
        do {
            platform_idle();
        } while (list_empty(&sched->ready));
        sched->idling = false;
    }
    switch_away(cpu, cpu->current, false, true);
}

/* Whether nobody loses time when another thread becomes ready. Context: masked. */
static inline bool is_idle(const struct percpu *cpu, const struct cpu_sched *sched)
{
    return cpu->current == sched->idle || sched->idling;
}

void sched_wake(struct thread *t)
{
    struct percpu *cpu = t->cpu;
    struct cpu_sched *sched = cpu_sched(cpu);

    spin_acquire(&sched->lock);
    append(sched, t);
    spin_release(&sched->lock);
    if (cpu != percpu_this()) {
        platform_cpu_kick(cpu->id);
    } else if (!sched->slice_armed && !is_idle(cpu, sched)) {
        slice_arm(sched);
    }
}

/* Another CPU has put something into our ready list; the idle loop looks by itself. */
void cpu_interrupt(void)
{
    struct percpu *cpu = percpu_this();
    struct cpu_sched *sched = cpu_sched(cpu);

    if (cpu->current != NULL && !is_idle(cpu, sched) && !sched->slice_armed &&
        !list_empty(&sched->ready)) {
        slice_arm(sched);
    }
}

/* Put the running thread behind the others. Context: masked. */
static void requeue(struct percpu *cpu, bool voluntary)
{
    struct cpu_sched *sched = cpu_sched(cpu);
    struct thread *t = cpu->current;

    if (!list_empty(&sched->ready) && t != sched->idle) {
        switch_away(cpu, t, true, voluntary);
    }
}

void thread_yield(void)
{
    bool was = irq_save();

    requeue(percpu_this(), true);
    irq_restore(was);
}

void thread_preempt(uintptr_t rip)
{
    if (cpu_sched(percpu_this())->idling) {
        /* An idle() that opens the mask, as on Xen PV: the thread is blocked, or ready by now. */
        percpu_this()->need_resched = 0;
        return;
    }
    requeue(percpu_this(), false);
    percpu_this()->need_resched = 0; /* also when nobody else was ready */
    if (sched_attention_hook != NULL) {
        sched_attention_hook(rip);
    }
}

void thread_preempt_disable(void)
{
    __asm__ volatile("incl %%gs:%c0" : : "i"(PERCPU_PREEMPT) : "memory", "cc");
}

void thread_preempt_enable(void)
{
    bool last;

    __asm__ volatile("decl %%gs:%c1" : "=@ccz"(last) : "i"(PERCPU_PREEMPT) : "memory");
    if (last && !irq_is_masked()) {
        irq_save();
        if (percpu_this()->need_resched) {
            thread_preempt(0);
        }
        irq_unmask();
    }
}

void thread_sleep_until(uint64_t deadline_ns)
{
    ASSERT(!irq_is_masked());
    irq_save();
    struct thread *t = percpu_this()->current;
    t->wait_lock = NULL;
    t->state = THREAD_BLOCKED;
    timer_arm(&t->timeout, deadline_ns);
    sched_block();
    irq_unmask();
}

_Noreturn void sched_idle(void)
{
    struct percpu *cpu = percpu_this();
    struct cpu_sched *sched = cpu_sched(cpu);

    for (;;) {
        if (list_empty(&sched->ready)) {
            platform_idle();
        } else {
            sched->idle->state = THREAD_READY;
            switch_away(cpu, sched->idle, false, true);
        }
    }
}
