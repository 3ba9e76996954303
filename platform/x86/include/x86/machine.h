/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What platform/x86 offers to the tables of functions (ops.h) of the monitor platforms: each has
 * the contract of its platform_ namesake.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pith/platform.h>

uint64_t x86_clock_ns(void);
uint64_t x86_wall_ns(void); /* 0: this machine's clock does not know the date */
void x86_timer_set(uint64_t deadline_ns);
void x86_idle(void);
void x86_irq_dispatch(void);
int x86_cpu_start(unsigned cpu, struct percpu *percpu, void (*entry)(void *), void *arg);
void x86_cpu_kick(unsigned cpu);
unsigned x86_cpu_count(void);
void x86_set_fsbase(void *tp);
int x86_page_ops(const struct page_op *ops, size_t n);
void x86_page_seal(void);

/* The CPUs that the firmware's tables name, APIC ids in order; told by platform/kvm's ACPI code. */
void x86_set_cpus(const uint32_t *apic_id, unsigned n);

/* End the machine by a triple fault: what is left when nothing else is heard. */
_Noreturn void x86_triple_fault(void);

/* Start-up steps of the high stage, in order (boot_high.c). */
void x86_mem_init(void);
void x86_lapic_init(void);
void x86_clock_init(void);
void x86_xstate_init(void);
extern uint32_t x86_xstate_size; /* bytes that the FP state takes */

/* The local APIC. */
void x86_lapic_eoi(void);
uint32_t x86_lapic_id(void);
void x86_lapic_ipi(uint32_t apic_id, unsigned vector);
void x86_lapic_self_ipi(unsigned vector);

/* RAM's home base: paddr 0 is there; set by the low stage. */
extern uint64_t x86_home_base;

/* Boot CPU's per-CPU block and first thread pointer. */
extern struct percpu x86_percpu_boot;
extern uint64_t x86_boot_tcb[16];

/* "pvh", "multiboot2", "linux64" or "xen-pv" and what it said. */
struct boot_raw;
extern struct boot_raw boot_raw;
