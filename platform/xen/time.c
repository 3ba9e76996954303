/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen's clocks and the one-shot timer.
 *
 * System time counts ns since the host's boot: a page of factors turns the TSC into it without a
 * call (public/xen.h, struct vcpu_time_info; the same layout and rules as KVM's pvclock). Our time
 * starts at 0 at our own boot.
 */
#include <xenplat/services.h>

#include <x86/cpu.h>
#include <x86/pvclock.h>
#include <xenplat/evtchn.h>
#include <xenplat/suspend.h>

/*
 * Xen takes a timeout more than 2^50 ns (13 days) ahead for an overflow and fires after 100 ms
 * (xen/common/schedule.c, do_set_timer_op). A deadline beyond half of that is set again when it
 * fires.
 */
#define TIMER_MAX_NS (1ULL << 49)

#define NS_PER_SECOND 1000000000ULL

static uint64_t boot_system_ns;

/* Each element is its CPU's own. UINT64_MAX: none is set. */
static struct cpu_timer {
    uint64_t wanted_ns; /* what libos waits for */
    uint64_t armed_ns;  /* when Xen will fire */
} cpu_timer[PERCPU_MAX_CPUS];

static uint64_t system_ns(void)
{
    const struct vcpu_info *vcpu = xen_vcpu();

    /* Reports of a boot that fails early have a time too. */
    if (vcpu == NULL) {
        return 0;
    }
    return pvclock_read((const volatile struct pvclock_time *)&vcpu->time);
}

uint64_t xen_clock_ns(void)
{
    return system_ns() - boot_system_ns;
}

uint64_t xen_wall_ns(void)
{
    const volatile struct shared_info *shared = xen_shared_info;
    uint32_t version;
    uint64_t boot_wall_ns;

    /* wc_* is the wall clock at system time 0; odd versions are being written. */
    do {
        version = shared->wc_version & ~1U;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        uint64_t seconds = (uint64_t)shared->wc_sec_hi << 32 | shared->wc_sec;
        boot_wall_ns = seconds * NS_PER_SECOND + shared->wc_nsec;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (shared->wc_version != version);
    return boot_wall_ns + system_ns();
}

/*
 * A call to Xen costs more than a timer event that finds nothing to do, and most deadlines are moved or
 * cancelled before they pass: so Xen is told only when it would fire too late.
 */
void xen_timer_set(uint64_t deadline_ns)
{
    struct cpu_timer *timer = &cpu_timer[percpu_this()->id];

    timer->wanted_ns = deadline_ns;
    if (deadline_ns >= timer->armed_ns) {
        return;
    }
    uint64_t now = xen_clock_ns();
    if (deadline_ns > now && deadline_ns - now > TIMER_MAX_NS) {
        deadline_ns = now + TIMER_MAX_NS;
    }
    /* A time in the past fires at once. */
    timer->armed_ns = deadline_ns;
    xen_set_timer_op(deadline_ns + boot_system_ns);
}

uint64_t xen_steal_ns(void)
{
    uint64_t sum = 0;

    for (unsigned cpu = 0; cpu < platform_cpu_count(); cpu++) {
        struct vcpu_runstate_info info;
        if (xen_vcpu_op(VCPUOP_get_runstate_info, cpu, &info) == 0) {
            sum += info.time[RUNSTATE_runnable]; /* would run, and another one does */
        }
    }
    return sum;
}

static uint64_t stopped_ns;

void xen_time_suspend(void)
{
    stopped_ns = xen_clock_ns();
}

/* Another host counts from another boot: our own time goes on from where it stood. */
void xen_time_resume(void)
{
    boot_system_ns = system_ns() - stopped_ns;
    for (unsigned cpu = 0; cpu < PERCPU_MAX_CPUS; cpu++) {
        cpu_timer[cpu].armed_ns = UINT64_MAX;
    }
    unsigned cpu = percpu_this()->id;
    xen_vcpu_op(VCPUOP_stop_periodic_timer, cpu, NULL);
    xen_timer_set(cpu_timer[cpu].wanted_ns);
}

static void timer_event(uint32_t port, void *arg)
{
    (void)port;
    (void)arg;
    struct cpu_timer *timer = &cpu_timer[percpu_this()->id];

    timer->armed_ns = UINT64_MAX;
    if (xen_clock_ns() < timer->wanted_ns) {
        xen_timer_set(timer->wanted_ns); /* it was moved, cancelled, or beyond TIMER_MAX_NS */
        return;
    }
    timer->wanted_ns = UINT64_MAX;
    timer_interrupt();
}

int xen_time_init(void)
{
    unsigned cpu = percpu_this()->id;

    cpu_timer[cpu] = (struct cpu_timer){UINT64_MAX, UINT64_MAX};
    if (cpu == 0) {
        boot_system_ns = system_ns();
    }
    /* A PV guest starts with a tick of 100 Hz on the same VIRQ; PVH has none and says so. */
    xen_vcpu_op(VCPUOP_stop_periodic_timer, cpu, NULL);
    int port = evtchn_bind_virq(VIRQ_TIMER, cpu, timer_event, NULL);
    return port < 0 ? port : 0;
}
