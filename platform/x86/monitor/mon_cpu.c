/* SPDX-License-Identifier: BSD-2-Clause */
/* A CPU's block, and preparing the start of another CPU: the trampoline below 1 MiB and its page tables. */
#include <errno.h>

#include <x86/mon.h>

#include "mon.h"

extern const char mon_trampoline[], mon_trampoline_end[];
extern const char mon_cpu_arrive[];
int64_t mon_cpu_prepare(const struct mon_cpu_start *args);

/* Fill `cpu`, which will be at address `at`: TSS, GDT with its descriptor, stacks. */
void mon_cpu_fill(struct mon_cpu *cpu, uint64_t at, const uint64_t *gdt)
{
    const uint64_t limit = TSS_IOMAP + 8192;

    cpu->tss.rsp[0] = at + MON_STACK_MAIN;
    cpu->tss.ist[0] = at + MON_STACK_DF;
    cpu->tss.ist[1] = at + MON_STACK_NMI;
    cpu->tss.ist[2] = at + MON_STACK_MC;
    cpu->tss.ist[3] = at + MON_STACK_DB;
    cpu->tss.iomap_base = TSS_IOMAP;
    for (unsigned i = 0; i < SEL_TSS / 8; i++) {
        cpu->gdt[i] = gdt[i];
    }
    cpu->gdt[SEL_TSS / 8] = (limit & 0xffff) | (at & 0xffffff) << 16 | 0x89UL << 40 |
                            (at >> 24 & 0xff) << 56;
    cpu->gdt[SEL_TSS / 8 + 1] = at >> 32;
}

/* MON_CPU: the block and three table pages become the monitor's; CPL 3 sends INIT and STARTUP itself. */
int64_t mon_cpu_prepare(const struct mon_cpu_start *args)
{
    struct mon_cpu_start a;
    int rc = mon_copy_in(&a, args, sizeof(a));

    if (rc || mon_state.trampoline == 0) {
        return rc ? rc : -ENODEV;
    }
    if (a.block % MON_CPU_SIZE || a.tables % 4096) {
        return -EINVAL;
    }
    rc = mon_protect(a.block - mon_state.home_base, MON_CPU_SIZE / 4096);
    rc = rc ? rc : mon_protect(a.tables, 3);
    if (rc) {
        return rc;
    }
    struct mon_cpu *cpu = (struct mon_cpu *)a.block;
    mon_cpu_fill(cpu, a.block, mon_cpu0.gdt);
    cpu->vars.percpu = a.percpu;
    cpu->vars.fault_low = a.fault_stack_low;
    cpu->vars.fault_high = a.fault_stack_high;

    uint64_t *tables = mon_home(a.tables); /* ours, and the low 2 MiB for the step into long mode */
    for (unsigned i = 0; i < 512; i++) {
        tables[i] = mon_pml4[i];
        tables[512 + i] = 0;
        tables[1024 + i] = 0;
    }
    tables[0] = (a.tables + 4096) | 3;
    tables[512] = (a.tables + 8192) | 3;
    tables[1024] = 0x83;

    char *page = mon_home(mon_state.trampoline);
    for (const char *p = mon_trampoline; p < mon_trampoline_end; p++) {
        *page++ = *p;
    }
    struct mon_arrival *arrival = mon_home(mon_state.trampoline + MON_ARRIVAL);
    arrival->gdt_limit = GDT_BYTES - 1;
    arrival->gdt_base = (uint32_t)mon_state.trampoline + MON_ARRIVAL + offsetof(struct mon_arrival, gdt);
    for (unsigned i = 0; i < 4; i++) {
        arrival->gdt[i] = mon_cpu0.gdt[i];
    }
    arrival->cr3 = (uint32_t)a.tables;
    arrival->long_offset = (uint32_t)mon_state.trampoline + MON_TRAMPOLINE_LONG;
    arrival->long_selector = SEL_KCODE;
    arrival->arrive = (uint64_t)mon_cpu_arrive;
    arrival->final_cr3 = mon_state.image_paddr + (uint64_t)mon_pml4 - mon_state.image_base;
    arrival->block = a.block;
    arrival->percpu = a.percpu;
    arrival->entry = a.entry;
    arrival->stack = a.stack;
    return 0;
}
