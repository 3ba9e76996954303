/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's operations, as CPL 3 calls them (KVM, TCG and Xen PVH; on Xen PV the hypervisor is
 * the monitor).
 *
 * A call is `hlt` at the single address mon_call: it raises #GP at CPL 3, which no KVM intercepts
 * (a #UD would cost two exits). Number in rax, arguments in rdi, rsi, rdx; the result in rax is 0,
 * a count or -errno.
 */
#pragma once

#define MON_START     0 /* () drop the low boot mapping, switch SMEP on; once */
#define MON_PAGES     1 /* (const struct mon_map *, n, done): change mappings */
#define MON_IDLE      2 /* () wait for an interrupt; returns at once when one is pending */
#define MON_WRMSR     3 /* (msr, value): only MSRs on the list */
#define MON_HYPERCALL 4 /* (struct mon_hypercall *, n): Xen PVH, only numbers on the list */
#define MON_CPU       5 /* (struct mon_cpu_start *): prepare the trampoline for one more CPU */
#define MON_STOP      6 /* () triple fault */
#define MON_SEAL      7 /* () from now on fewer MSRs and hypercalls */
#define MON_DONATE    8 /* (paddr): a page of RAM becomes a page table */
#define MON_OPS       9

/* Flags of a mapping. No executable page is ever made by this call. */
#define MON_MAP_PRESENT 1u
#define MON_MAP_WRITE   2u
#define MON_MAP_DEVICE  4u /* uncached */

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct mon_map {
    uint64_t va;    /* page aligned, upper half */
    uint64_t paddr; /* page aligned; ignored without MON_MAP_PRESENT */
    uint64_t npages;
    uint64_t flags;
};

struct mon_hypercall {
    uint64_t nr;
    uint64_t arg[5];
    int64_t result;
};

struct mon_cpu_start {
    uint64_t block; /* home address of 16 KiB, aligned to that, the monitor's from now on */
    uint64_t percpu, entry, stack; /* CPL 3 state of the new CPU: %gs base, RIP, RSP */
    uint64_t fault_stack_low, fault_stack_high;
    uint64_t tables; /* paddr of 3 contiguous pages for the trampoline's page tables, given for good */
};

int64_t mon_call(uint64_t op, uint64_t a, uint64_t b, uint64_t c);

/*
 * Run hypercalls in one crossing; each result in its entry. Returns 0 or -EPERM (then entries
 * before it have run).
 */
int mon_hypercalls(struct mon_hypercall *call, size_t n);

/* One hypercall; its result, or -EPERM. */
int64_t mon_hypercall(uint64_t nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5);
#endif
