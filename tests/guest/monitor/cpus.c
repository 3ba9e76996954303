/* SPDX-License-Identifier: BSD-2-Clause */
/* The second CPU: started, counted, parked, and pinged there. */
#include "cpus.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include <pith/irq.h>
#include <pith/platform.h>
#include <x86/irq.h>

static struct percpu *cpu1;
static volatile uint64_t turns, wakes;
static volatile unsigned park;

static void on_cpu1(void *arg)
{
    (void)arg;
    while (!park) {
        turns = turns + 1;
    }
    for (;;) {
        platform_idle(); /* masked: handlers run inside */
        wakes = wakes + 1;
    }
}

static bool wait_until(volatile uint64_t *what, uint64_t want)
{
    uint64_t until = platform_clock_ns() + 500000000ull;
    while (*what < want) {
        if (platform_clock_ns() > until) {
            return false;
        }
    }
    return true;
}

static const char *problem(void)
{
    cpu1 = aligned_alloc(4096, 4096);
    *cpu1 = (struct percpu){.preempt_count = 1}; /* no scheduler there */
    if (platform_cpu_start(7, cpu1, on_cpu1, NULL) != -ENODEV) {
        return "a CPU that is not there was started";
    }
    if (platform_cpu_start(1, cpu1, on_cpu1, NULL) != 0) {
        return "it does not start";
    }
    if (platform_cpu_start(1, cpu1, on_cpu1, NULL) != -EBUSY) {
        return "it starts twice";
    }
    if (!wait_until(&turns, 1000)) {
        return "it does not run";
    }
    park = 1;
    for (uint64_t i = 1; i <= 100; i++) {
        platform_cpu_kick(1);
        if (!wait_until(&wakes, i)) {
            return "it does not answer an interrupt";
        }
    }
    return irq_count(IRQ_IPI) < 100 ? "interrupts were lost" : NULL;
}

const char *second_cpu_problem(bool *skip)
{
    *skip = platform_cpu_count() < 2;
    return *skip ? "one CPU" : problem();
}
