/* SPDX-License-Identifier: BSD-2-Clause */
/* A CPU's block, and preparing the start of another CPU: the trampoline below 1 MiB and its page tables. */
#include <errno.h>

#include <x86/mon.h>

#include "../mon_layout.h"

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
    cpu->gdt[SEL_TSS / 8] = limit | (at & 0xffffff) << 16 | 0x89UL << 40 | (at >> 24 & 0xff) << 56;
    cpu->gdt[SEL_TSS / 8 + 1] = at >> 32;
}

/* MON_CPU: the block and three table pages become the monitor's; CPL 3 sends INIT and STARTUP itself. */
int64_t mon_cpu_prepare(const struct mon_cpu_start *args)
{
    struct mon_cpu_start a;
    int rc = mon_copy_in(&a, args, sizeof(a));
    if (rc || mon_state.trampoline == 0 || a.block % MON_CPU_SIZE || a.tables >> 32) {
        return rc ? rc : -EINVAL;
    }
    rc = mon_protect(a.block - mon_state.home_base, MON_CPU_SIZE / 4096);
    rc = rc ? rc : mon_protect(a.tables, 3);
    if (rc) {
        return rc;
    }
    struct mon_cpu *cpu = (struct mon_cpu *)a.block;
    mon_cpu_fill(cpu, a.block, mon_cpu0.gdt);
    cpu->vars = (struct mon_vars){a.percpu, a.fault_stack_low, a.fault_stack_high, a.entry, a.stack};
    mon_state.arriving = a.block;

    uint64_t *tables = mon_home(a.tables); /* ours, and the low 2 MiB for the step into long mode */
    for (unsigned i = 0; i < 512; i++) {
        tables[i] = mon_pml4[i];
        tables[512 + i] = tables[1024 + i] = 0;
    }
    tables[0] = (a.tables + 4096) | 3;
    tables[512] = (a.tables + 8192) | 3;
    tables[1024] = 0x83;

    uint64_t *page = mon_home(mon_state.trampoline);
    for (const uint64_t *p = mon_trampoline; p < mon_trampoline_end; p++) {
        page[p - mon_trampoline] = *p;
    }
    page[MON_TRAMPOLINE_CR3 / 8] = a.tables;
    page[MON_TRAMPOLINE_ARRIVE / 8] = (uint64_t)mon_cpu_arrive;
    return 0;
}
