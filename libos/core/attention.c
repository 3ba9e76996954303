/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Raising a thread's attention: wake it from a wait that hears, or have it interrupted.
 *
 * A thread that runs in code which must not be interrupted (the hook decides) is asked again every
 * AGAIN_NS, by a timer that is armed only while somebody has the bit.
 */
#include <pith/attention.h>

#include <errno.h>
#include <stddef.h>

#include "sched.h"

#define AGAIN_NS 1000000u

static struct timer again;  /* CPU that raises arms it; a second one moves it */

static bool has_signal(struct thread *t, void *arg)
{
    (void)arg;
    return (__atomic_load_n(&t->attention, __ATOMIC_RELAXED) & ATTENTION_SIGNAL) != 0;
}

struct thread *thread_find(bool (*fn)(struct thread *t, void *arg), void *arg)
{
    struct thread *found = NULL;
    bool was = spin_lock(&threads_lock);
    for (struct list *at = threads.next; at != &threads && found == NULL; at = at->next) {
        struct thread *t = LIST_ENTRY(at, struct thread, all);
        found = fn(t, arg) ? t : NULL;
    }
    spin_unlock(&threads_lock, was);
    return found;
}

/* The running thread's interrupted code is looked at when this interrupt ends. */
static void ask_again(struct timer *timer)
{
    if (thread_find(has_signal, NULL) != NULL) {
        percpu_this()->need_resched = 1;
        timer_arm(timer, platform_clock_ns() + AGAIN_NS);
    }
}

static void (*signal_hook)(uintptr_t rip);

/* Every preemption's end. Context: masked. */
static void preempted(uintptr_t rip)
{
    const struct thread *t = percpu_this()->current;
    if ((t->attention & ATTENTION_SIGNAL) != 0 && rip != 0 && t->held_off == 0) {
        signal_hook(rip);
    }
}

void attention_set_hook(void (*hook)(uintptr_t rip))
{
    if (__atomic_load_n(&sched_attention_hook, __ATOMIC_ACQUIRE) == NULL) {
        timer_init(&again, ask_again);
        signal_hook = hook;
        __atomic_store_n(&sched_attention_hook, preempted, __ATOMIC_RELEASE);
    }
}

/*
 * End the wait that t is in. A thread that begins one at this moment on another CPU stores `hears`
 * before it looks at its attention, and that was stored before this reads `hears`: one sees the
 * other.
 */
static void end_wait(struct thread *t, unsigned bits)
{
    struct spinlock *lock = __atomic_load_n(&t->wait_lock, __ATOMIC_RELAXED);
    if ((__atomic_load_n(&t->hears, __ATOMIC_SEQ_CST) & bits) == 0 || lock == NULL) {
        return;
    }
    spin_acquire(lock);
    if (t->wait_lock == lock && !list_empty(&t->wait)) {
        list_remove(&t->wait);
        t->wait_result = -EINTR;
        sched_wake(t);
    }
    spin_release(lock);
}

void attention_raise(struct thread *t, unsigned bits)
{
    bool was = irq_save();
    __atomic_fetch_or(&t->attention, (uint8_t)bits, __ATOMIC_SEQ_CST);
    end_wait(t, bits);
    if (bits & ATTENTION_SIGNAL) {
        struct percpu *cpu = percpu_this();
        if (cpu->current == t) {
            cpu->need_resched = 1;
        } else if (t->cpu != cpu) {
            platform_cpu_kick(t->cpu->id);
        }
        if (sched_attention_hook != NULL && !timer_armed(&again)) {
            timer_arm(&again, platform_clock_ns() + AGAIN_NS);
        }
    }
    irq_restore(was);
}

void attention_drop(struct thread *t, unsigned bits)
{
    __atomic_fetch_and(&t->attention, (uint8_t)~bits, __ATOMIC_SEQ_CST);
}
