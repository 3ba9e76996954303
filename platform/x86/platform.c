/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * platform.h for libos: each call goes through the one table of the machine that was found at boot.
 */
#include <pith/condev.h>
#include <pith/platform.h>

#include <errno.h>
#include <stddef.h>

#include <x86/cpu.h>
#include <x86/ops.h>
#include <x86/trap.h>

const struct platform_ops *platform_ops;

uint64_t platform_clock_ns(void)
{
    return platform_ops->clock_ns();
}

uint64_t platform_wall_ns(void)
{
    return platform_ops->wall_ns();
}

void platform_timer_set(uint64_t deadline_ns)
{
    platform_ops->timer_set(deadline_ns);
}

int platform_cpu_start(unsigned cpu, struct percpu *percpu, void (*entry)(void *), void *arg)
{
    return platform_ops->cpu_start(cpu, percpu, entry, arg);
}

void platform_cpu_kick(unsigned cpu)
{
    platform_ops->cpu_kick(cpu);
}

unsigned platform_cpu_count(void)
{
    return platform_ops->cpu_count();
}

void platform_set_tp(void *tp)
{
    if (x86_has_fsgsbase) {
        __asm__ volatile("wrfsbase %0" : : "r"(tp));
    } else {
        platform_ops->set_fsbase(tp);
    }
}

int platform_page_ops(const struct page_op *ops, size_t n)
{
    return platform_ops->page_ops(ops, n);
}

void platform_page_seal(void)
{
    platform_ops->page_seal();
}

/* The device that is the machine's console, if any is. */
static struct condev *console;

void platform_console_use(struct condev *dev)
{
    __atomic_store_n(&console, dev, __ATOMIC_RELEASE);
}

void platform_console_write(const char *data, size_t len)
{
    struct condev *dev = __atomic_load_n(&console, __ATOMIC_ACQUIRE);
    if (dev != NULL && dev->ops->put(dev, data, len)) {
        return;
    }
    platform_ops->console_write(data, len);
}

size_t platform_console_read(char *data, size_t len)
{
    struct condev *dev = __atomic_load_n(&console, __ATOMIC_ACQUIRE);
    if (dev != NULL) {
        ssize_t n = dev->ops->read(dev, data, len);
        return n < 0 ? 0 : (size_t)n;
    }
    return platform_ops->console_read(data, len);
}

size_t platform_console_window(void)
{
    return platform_ops->console_window;
}

int platform_console_listen(void)
{
    if (__atomic_load_n(&console, __ATOMIC_ACQUIRE) != NULL) {
        return 0; /* it calls by itself */
    }
    return platform_ops->console_listen();
}

void platform_stop_prepare(void)
{
    if (platform_ops->stop_prepare != NULL) {
        platform_ops->stop_prepare();
    }
}

uint64_t platform_steal_ns(void)
{
    return platform_ops->steal_ns != NULL ? platform_ops->steal_ns() : 0;
}

size_t platform_pages_away(void)
{
    return platform_ops->pages_away != NULL ? platform_ops->pages_away() : 0;
}

int platform_stop_listen(void)
{
    return platform_ops->stop_listen != NULL ? platform_ops->stop_listen() : -ENOSYS;
}

_Noreturn void platform_stop(enum platform_stop how, int status)
{
    (void)irq_save();
    struct condev *dev = __atomic_load_n(&console, __ATOMIC_ACQUIRE);
    if (dev != NULL) {
        dev->ops->flush(dev); /* the host may end the machine before it looks at the ring */
    }
    platform_ops->stop(how, status);
    for (;;) { /* the host did not listen: nothing may run any more */
        cpu_relax();
    }
}
