/* SPDX-License-Identifier: BSD-2-Clause */
/* A CPU's block, and preparing the start of another CPU: the trampoline below 1 MiB and its page tables. */
#include <errno.h>

#include <x86/mon.h>

#include "../mon_layout.h"

/* MON_CPU: the block and three table pages become the monitor's; CPL 3 sends INIT and STARTUP itself. */
int64_t mon_cpu_prepare(const struct mon_cpu_start *args)
{
    struct mon_cpu_start a;
    int rc = mon_copy_in(&a, args, sizeof(a));
    if (rc || mon_state.trampoline == 0 || a.block % MON_CPU_SIZE || a.tables >> 32) {
        return rc ? rc : -EINVAL;
    }
    /* We write to percpu at each fault: it is CPL 3's, and may not become a table, so it gets a use that stays. */
    if (a.percpu % 4096 || !mon_user_ok(a.percpu, 4096, 1) ||
        mon_count(0, a.percpu - mon_state.home_base, 1)) {
        return -EPERM;
    }
    rc = mon_protect(a.block - mon_state.home_base, MON_CPU_SIZE / 4096);
    rc = rc ? rc : mon_protect(a.tables, 3);
    if (rc) {
        return rc;
    }
    struct mon_cpu *cpu = (struct mon_cpu *)a.block;
    uint64_t delta = a.block - (uint64_t)&mon_cpu0;
    mon_copy(cpu, &mon_cpu0, (MON_GDT + SEL_TSS) / 8);
    cpu->tss.rsp[0] += delta;
    for (unsigned i = 0; i < 4; i++) {
        cpu->tss.ist[i] += delta;
    }
    mon_describe_tss(cpu->gdt, a.block);
    cpu->vars = (struct mon_vars){a.percpu, a.fault_stack_low, a.fault_stack_high, a.entry, a.stack};
    mon_state.arriving = a.block;

    uint64_t *tables = mon_home(a.tables); /* ours, and the low 2 MiB for the step into long mode */
    mon_copy(tables, mon_pml4, 512);
    for (unsigned i = 512; i < 1536; i++) {
        tables[i] = 0;
    }
    tables[0] = (a.tables + 4096) | 3;
    tables[512] = (a.tables + 8192) | 3;
    tables[1024] = 0x83;

    uint64_t *page = mon_home(mon_state.trampoline);
    mon_copy(page, mon_trampoline, (size_t)(mon_trampoline_end - mon_trampoline));
    page[MON_TRAMPOLINE_CR3 / 8] = a.tables;
    page[MON_TRAMPOLINE_ARRIVE / 8] = (uint64_t)mon_cpu_arrive;
    return 0;
}
