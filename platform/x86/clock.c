/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time on KVM and QEMU: KVM's paravirtual clock where it is offered, else the TSC; and the one-shot
 * timer.
 *
 * The APIC timer counts at 1 GHz on QEMU and on KVM (KVM's APIC_BUS_CYCLE_NS is 1; QEMU
 * hw/intc/apic.c counts ns). Where the TSC's frequency is told by nobody (TCG), that timer is the
 * yardstick: a first, short measurement at boot is made better whenever a longer one comes by.
 */
#include <pith/platform.h>

#include <x86/boot.h>
#include <x86/cpu.h>
#include <x86/irq.h>
#include <x86/machine.h>
#include <x86/mem.h>
#include <x86/mon.h>
#include <x86/pvclock.h>

#include "lapic.h"

#define KVM_SIGNATURE_EBX   0x4b4d564bu /* "KVMK" */
#define KVM_FEATURE_CLOCKSOURCE2 (1u << 3)
#define MSR_KVM_WALL_CLOCK  0x4b564d00
#define MSR_KVM_SYSTEM_TIME 0x4b564d01
#define FIRST_MEASURE_NS    10000u
#define MEASURE_TRIES       8u
#define GOOD_PPM            50000u /* 5%, of the first measurement */
#define TICKS_MAX           0xffffffffu

struct kvm_wall_clock {
    uint32_t version, sec, nsec;
};

/*
 * A line through (tsc, ns) with slope mul / 2^32. Written by CPU 0, masked; version odd meanwhile.
 */
static struct {
    uint32_t version;
    uint64_t tsc, ns, mul;
} line;

static struct pvclock_time kvm_time __attribute__((aligned(64)));
static struct kvm_wall_clock kvm_wall __attribute__((aligned(64)));
static uint64_t epoch; /* pvclock's value at boot: our clock starts at 0 */
static bool use_pvclock;
static bool measured;     /* the slope came from measurements and may get better */
static uint64_t error_ppm; /* of the slope */

/* Each CPU's countdown; touched by that CPU only, masked. */
struct countdown {
    uint64_t ns;          /* what it was started with */
    uint64_t tsc;         /* when: the middle of the write */
    uint64_t slack;       /* how long the write took, TSC ticks */
    uint64_t hardware_at; /* when it will fire; UINT64_MAX: it won't */
    uint64_t wanted;      /* the deadline that was asked for; UINT64_MAX: none */
};

static struct countdown countdowns[PERCPU_MAX_CPUS];

static struct countdown *this_countdown(void)
{
    return &countdowns[percpu_this()->id];
}

static uint64_t line_read(void)
{
    uint32_t version;
    uint64_t ns;

    do {
        version = __atomic_load_n(&line.version, __ATOMIC_ACQUIRE);
        ns = line.ns + (uint64_t)((unsigned __int128)(rdtsc_ordered() - line.tsc) * line.mul >> 32);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (version & 1 || version != line.version);
    return ns;
}

uint64_t x86_clock_ns(void)
{
    return use_pvclock ? pvclock_read(&kvm_time) - epoch : line_read();
}

uint64_t x86_wall_ns(void)
{
    if (!use_pvclock || kvm_wall.sec == 0) {
        return 0;
    }
    return kvm_wall.sec * 1000000000ULL + kvm_wall.nsec + pvclock_read(&kvm_time);
}

/* New slope from here on; the past stays, so time does not jump. */
static void set_slope(uint64_t tsc_ticks, uint64_t ns)
{
    uint64_t now = rdtsc();
    uint64_t at = line.mul ? line_read() : 0;

    line.version++;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    line.tsc = now;
    line.ns = at;
    line.mul = tsc_ticks ? (uint64_t)(((unsigned __int128)ns << 32) / tsc_ticks) : 1ULL << 32;
    __atomic_store_n(&line.version, line.version + 1, __ATOMIC_RELEASE);
}

/*
 * One sample of a countdown that has not ended: exact but for the time that starting and reading it
 * took.
 */
static void measure(const struct countdown *c)
{
    uint64_t before = rdtsc_ordered();
    uint32_t left = lapic_timer_left();
    uint64_t after = rdtsc_ordered();

    if (left == 0 || c->ns <= left) {
        return;
    }
    uint64_t ticks = before + (after - before) / 2 - c->tsc;
    uint64_t ppm = ticks ? (after - before + c->slack) * 1000000 / ticks : UINT64_MAX;
    if (ppm < error_ppm / 2) {
        error_ppm = ppm;
        set_slope(ticks, c->ns - left);
    }
}

static void start_countdown(struct countdown *c, uint32_t ns)
{
    uint64_t before = rdtsc_ordered();
    lapic_timer_start(ns);
    uint64_t after = rdtsc_ordered();

    c->tsc = before + (after - before) / 2;
    c->slack = after - before;
    c->ns = ns;
}

void x86_timer_set(uint64_t deadline_ns)
{
    struct countdown *c = this_countdown();

    c->wanted = deadline_ns;
    if (deadline_ns >= c->hardware_at) {
        return; /* it fires before; the handler starts the rest */
    }
    if (measured && error_ppm > 100 && percpu_this()->id == 0) {
        measure(c);
    }
    uint64_t now = x86_clock_ns();
    uint64_t ns = deadline_ns > now ? deadline_ns - now : 1;
    if (ns > TICKS_MAX) {
        ns = TICKS_MAX;
    }
    c->hardware_at = now + ns;
    start_countdown(c, (uint32_t)ns);
}

static void timer_fired(void *arg)
{
    struct countdown *c = this_countdown();

    (void)arg;
    c->hardware_at = UINT64_MAX;
    if (c->wanted == UINT64_MAX) {
        return;
    }
    if (x86_clock_ns() < c->wanted) {
        x86_timer_set(c->wanted);
        return;
    }
    c->wanted = UINT64_MAX;
    timer_interrupt();
}

void clock_cpu_init(void)
{
    *this_countdown() = (struct countdown){.hardware_at = UINT64_MAX, .wanted = UINT64_MAX};
}

static bool start_kvm_clock(void)
{
    size_t len;

    if (boot_cpuid[CPUID_HV].ebx != KVM_SIGNATURE_EBX ||
        !(boot_cpuid[CPUID_HV1].eax & KVM_FEATURE_CLOCKSOURCE2)) {
        return false;
    }
    if (mon_call(MON_WRMSR, MSR_KVM_SYSTEM_TIME,
                 mem_to_paddr(&kvm_time, sizeof(kvm_time), &len) | 1, 0)) {
        return false;
    }
    (void)mon_call(MON_WRMSR, MSR_KVM_WALL_CLOCK, mem_to_paddr(&kvm_wall, sizeof(kvm_wall), &len), 0);
    epoch = pvclock_read(&kvm_time);
    return kvm_time.tsc_to_system_mul != 0;
}

void x86_clock_init(void)
{
    const struct boot_cpuid *c15 = &boot_cpuid[CPUID_15];

    clock_cpu_init();
    irq_set(IRQ_TIMER, timer_fired, 0);
    use_pvclock = start_kvm_clock();
    if (use_pvclock) {
        return;
    }
    if (boot_cpuid[CPUID_0].eax >= 0x15 && c15->eax && c15->ebx && c15->ecx) {
        set_slope((uint64_t)c15->ecx * c15->ebx / c15->eax, 1000000000); /* TSC frequency in Hz */
        return;
    }
    measured = true;
    error_ppm = UINT64_MAX;
    struct countdown *c = this_countdown();
    for (unsigned tries = 0; tries < MEASURE_TRIES && error_ppm > GOOD_PPM; tries++) {
        start_countdown(c, TICKS_MAX); /* again when the host had taken the CPU away meanwhile */
        while (c->ns - lapic_timer_left() < FIRST_MEASURE_NS) {
            cpu_relax();
        }
        measure(c);
    }
    c->hardware_at = TICKS_MAX; /* from now, nearly: the first deadline is sooner */
}
