/* SPDX-License-Identifier: BSD-2-Clause */
/* The local APIC, for the timer and for starting CPUs; the rest is in x86/machine.h. */
#pragma once

#include <stdint.h>

/* Enable this CPU's APIC; x86_lapic_init() has done it for the boot CPU. */
void lapic_enable(void);

/*
 * INIT and STARTUP to that CPU, with the waits of the MP specification; it begins at `trampoline`.
 */
void lapic_start_cpu(uint32_t apic_id, uint64_t trampoline);

/* Start the countdown of the one-shot timer (0 stops it); what is left of it. */
void lapic_timer_start(uint32_t ticks);
uint32_t lapic_timer_left(void);

/* This CPU has no countdown running; x86_clock_init() has done it for the boot CPU (clock.c). */
void clock_cpu_init(void);
