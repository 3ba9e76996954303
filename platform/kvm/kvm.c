/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of the KVM platforms (KVM, TCG, Firecracker and the like): x86's functions and our devices. */
#include <kvm/power.h>
#include <kvm/serial.h>
#include <x86/machine.h>
#include <x86/ops.h>

const struct platform_ops kvm_ops = {
    .name = "kvm",
    .clock_ns = x86_clock_ns,
    .wall_ns = x86_wall_ns,
    .timer_set = x86_timer_set,
    .idle = x86_idle,
    .irq_dispatch = x86_irq_dispatch,
    .cpu_start = x86_cpu_start,
    .cpu_kick = x86_cpu_kick,
    .cpu_count = x86_cpu_count,
    .set_fsbase = x86_set_fsbase,
    .set_gsbase = x86_set_gsbase,
    .page_ops = x86_page_ops,
    .page_seal = x86_page_seal,
    .console_write = serial_write,
    .console_read = serial_read,
    .console_listen = serial_listen,
    .stop = power_stop,
};
