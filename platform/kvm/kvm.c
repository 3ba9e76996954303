/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of the KVM platforms (KVM, TCG, Firecracker and the like): x86's functions and our
 * devices.
 */
#include <errno.h>

#include <kvm/acpi.h>
#include <kvm/power.h>
#include <kvm/rtc.h>
#include <kvm/serial.h>
#include <kvm/stop_listen.h>
#include <pith/log.h>
#include <x86/machine.h>
#include <x86/ops.h>

/*
 * Tell x86 of the other CPUs, when somebody first asks for them: a program of one CPU never pays
 * for it.
 */
static void find_cpus(void)
{
    static bool found;
    if (found) {
        return;
    }
    found = true;
    const struct acpi_madt *madt = acpi_madt();
    if (madt != NULL && madt->ncpus > 0) {
        x86_set_cpus(madt->apic_id, madt->ncpus);
    }
}

static unsigned kvm_cpu_count(void)
{
    find_cpus();
    return x86_cpu_count();
}

static int kvm_cpu_start(unsigned cpu, struct percpu *percpu, void (*entry)(void *), void *arg)
{
    find_cpus();
    return x86_cpu_start(cpu, percpu, entry, arg);
}

static uint64_t kvm_wall_ns(void)
{
    static uint64_t boot_ns; /* the date at monotonic 0, by the CMOS clock */
    static bool asked;
    uint64_t now = x86_wall_ns();
    if (now != 0) {
        return now;
    }
    if (!asked) {
        /* A machine without the chip counts from 1970 on. */
        uint64_t seconds = rtc_read();
        boot_ns = seconds == 0 ? 0 : seconds * 1000000000ULL - x86_clock_ns();
        asked = true;
    }
    return boot_ns + x86_clock_ns();
}

/* Both: a machine may have both, and its host may know only one of them. */
static int kvm_stop_listen(void)
{
    bool button = power_button_listen();
    bool keyboard = i8042_listen();
    klog(LOG_DEBUG, "stop: %s power button, %s keyboard", button ? "a" : "no",
         keyboard ? "a" : "no");
    return button || keyboard ? 0 : -ENODEV;
}

static void kvm_stop(enum platform_stop how, int status)
{
    power_stop(how, status);
    x86_triple_fault();
}

const struct platform_ops kvm_ops = {
    .name = "kvm",
    .clock_ns = x86_clock_ns,
    .wall_ns = kvm_wall_ns,
    .timer_set = x86_timer_set,
    .idle = x86_idle,
    .irq_dispatch = x86_irq_dispatch,
    .cpu_start = kvm_cpu_start,
    .cpu_kick = x86_cpu_kick,
    .cpu_count = kvm_cpu_count,
    .set_fsbase = x86_set_fsbase,
    .page_ops = x86_page_ops,
    .page_seal = x86_page_seal,
    .console_write = serial_write,
    .console_read = serial_read,
    .console_listen = serial_listen,
    .console_window = 2048, /* half of serial.c's ring */
    .stop = kvm_stop,
    .stop_listen = kvm_stop_listen,
};
