/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other CPUs of the monitor platforms: starting one through the monitor, and interrupts between
 * them.
 */
#include <errno.h>

#include <pith/page.h>

#include <x86/cpu.h>
#include <x86/irq.h>
#include <x86/machine.h>
#include <x86/mem.h>
#include <x86/mon.h>
#include <x86/percpu_slots.h>

#include "boot_tables.h"
#include "lapic.h"

#define STACK_PAGES 4
#define FAULT_STACK_PAGES 3
#define ANSWER_NS 100000000ULL

static uint32_t apic_ids[PERCPU_MAX_CPUS];
static unsigned ncpus = 1;

/* What a new CPU finds at the top of its stack. */
struct start {
    void (*entry)(void *);
    void *arg;
    struct percpu *percpu;
    volatile uint32_t running;
};

void x86_set_cpus(const uint32_t *apic_id, unsigned n)
{
    uint32_t own = x86_lapic_id();

    apic_ids[0] = own; /* number 0 is the CPU we booted on, wherever the tables list it */
    ncpus = 1;
    for (unsigned i = 0; i < n && ncpus < PERCPU_MAX_CPUS; i++) {
        if (apic_id[i] != own && apic_id[i] < 255) {
            apic_ids[ncpus++] = apic_id[i];
        }
    }
}

unsigned x86_cpu_count(void)
{
    return ncpus;
}

void x86_cpu_kick(unsigned cpu)
{
    if (cpu < ncpus) {
        x86_lapic_ipi(apic_ids[cpu], IRQ_IPI);
    }
}

static _Noreturn void cpu_entry(void)
{
    struct start *start = *(struct start **)((char *)percpu_this() + PERCPU_START);
    lapic_enable();
    clock_cpu_init();
    start->running = 1;
    start->entry(start->arg);
    for (;;) {
        x86_idle();
    }
}

int x86_cpu_start(unsigned cpu, struct percpu *percpu, void (*entry)(void *), void *arg)
{
    static bool started[PERCPU_MAX_CPUS];
    size_t len;

    if (cpu == 0 || cpu >= ncpus) {
        return -ENODEV;
    }
    if (boot_layout.trampoline == 0) {
        return -ENOSYS;
    }
    if (started[cpu]) {
        return -EBUSY;
    }
    /* These stay with the CPU, and the first two with the monitor, for good. */
    char *block = page_alloc(2);
    char *tables = page_alloc(2);
    char *stack = page_alloc_n(STACK_PAGES);
    char *fault_stack = page_alloc_n(FAULT_STACK_PAGES);
    if (!block || !tables || !stack || !fault_stack) {
        return -ENOMEM;
    }
    struct start *start = (struct start *)(stack + STACK_PAGES * PAGE_SIZE) - 1;
    *start = (struct start){entry, arg, percpu, 0};
    percpu->self = percpu;
    percpu->id = cpu;
    percpu->irq_mask = 1;
    *(struct start **)((char *)percpu + PERCPU_START) = start;

    struct mon_cpu_start request = {
        .block = (uint64_t)block,
        .percpu = (uint64_t)percpu,
        .entry = (uint64_t)cpu_entry,
        .stack = ((uint64_t)start & ~15UL) - 8,
        .fault_stack_low = (uint64_t)fault_stack,
        .fault_stack_high = (uint64_t)fault_stack + FAULT_STACK_PAGES * PAGE_SIZE,
        .tables = mem_to_paddr(tables, 4 * PAGE_SIZE, &len),
    };
    int64_t rc = mon_call(MON_CPU, (uint64_t)&request, 0, 0);
    if (rc < 0) {
        return (int)rc;
    }
    started[cpu] = true;
    lapic_start_cpu(apic_ids[cpu], boot_layout.trampoline);
    uint64_t until = x86_clock_ns() + ANSWER_NS;
    while (!start->running) {
        if (x86_clock_ns() > until) {
            return -ETIMEDOUT;
        }
        cpu_relax();
    }
    return 0;
}
