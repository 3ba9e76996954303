/* SPDX-License-Identifier: BSD-2-Clause */
/* A suspension from end to end, and who wants to know of it. */
#include <xenplat/suspend.h>

#include <pith/log.h>
#include <pith/random.h>
#include <pith/spinlock.h>
#include <x86/cpu.h>
#include <xenplat/services.h>

static struct spinlock lock = SPINLOCK_INIT; /* guards adding to `hooks`; none is ever removed */
static struct list hooks = LIST_INIT(hooks);
static uint32_t generation; /* atomic */

void xen_resume_add(struct xen_resume_hook *hook)
{
    bool was = spin_lock(&lock);
    list_insert(&hooks, &hook->list);
    spin_unlock(&lock, was);
}

uint32_t xen_generation(void)
{
    return __atomic_load_n(&generation, __ATOMIC_RELAXED);
}

/* Call one function of each hook: that at `offset` in it. `last` is the last to be called. */
static void call_hooks(size_t offset, const struct list *last)
{
    for (struct list *l = &hooks; l != last;) {
        l = l->next;
        struct xen_resume_hook *hook = LIST_ENTRY(l, struct xen_resume_hook, list);
        void (*fn)(void) = *(void (**)(void))(void *)((char *)hook + offset);
        if (fn != NULL) {
            fn();
        }
    }
}

#define CALL_HOOKS(member) call_hooks(offsetof(struct xen_resume_hook, member), last)

/*
 * A saved guest can be restored more than once, and each would go on with the same random numbers.
 * What is mixed in is never the same twice.
 */
static void stir_random(void)
{
    struct {
        uint8_t cpu[32];
        uint64_t tsc, clock_ns, wall_ns;
    } seed = {.tsc = rdtsc(), .clock_ns = xen_clock_ns(), .wall_ns = xen_wall_ns()};

    size_t n = platform_entropy(seed.cpu, sizeof(seed.cpu));
    random_add(&seed, sizeof(seed), n >= 16);
}

/* Masked, nothing else runs. */
static int suspend_alone(const struct list *last)
{
    xen_console_flush(); /* the page may be cleared before somebody reads it */
    xen_time_suspend();
    int result = xen_pv ? xen_pv_suspend() : xen_pvh_suspend();
    if (result == 0) {
        __atomic_add_fetch(&generation, 1, __ATOMIC_RELAXED);
        evtchn_resume();
        xen_console_resume();
        xen_time_resume();
        stir_random();
        CALL_HOOKS(moved);
    }
    return result;
}

int xen_suspend(void)
{
    /* A hook that is added on the way has nothing to do with what was before. */
    bool was = spin_lock(&lock);
    const struct list *last = hooks.prev;
    spin_unlock(&lock, was);

    klog(LOG_DEBUG, "xen: suspending");
    CALL_HOOKS(before);
    xenstore_suspend();
    was = irq_save();
    int result = suspend_alone(last);
    irq_restore(was);
    xenstore_resume(result == 0);
    if (result == 0) {
        CALL_HOOKS(ready);
    }
    CALL_HOOKS(after);
    if (result < 0) {
        klog(LOG_ERROR, "xen: can't be suspended (%d)", result);
    } else {
        klog(LOG_INFO, "xen: %s", result == 0 ? "resumed" : "the suspension was cancelled");
    }
    return result;
}
