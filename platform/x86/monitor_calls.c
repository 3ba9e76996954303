/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor's operations as functions. */
#include <pith/panic.h>

#include <x86/machine.h>
#include <x86/mon.h>
#include <x86/percpu_slots.h>

#define MSR_FS_BASE 0xc0000100

int mon_hypercalls(struct mon_hypercall *call, size_t n)
{
    return (int)mon_call(MON_HYPERCALL, (uint64_t)call, n, 0);
}

int64_t mon_hypercall(uint64_t nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
    struct mon_hypercall call = {nr, {a1, a2, a3, a4, a5}, 0};
    int rc = mon_hypercalls(&call, 1);
    return rc ? rc : call.result;
}

void x86_idle(void)
{
    (void)mon_call(MON_IDLE, 0, 0, 0);
    if (*(uint64_t *)((char *)percpu_this() + PERCPU_NMI)) {
        PANIC("non-maskable interrupt while CPU %u was idle", percpu_this()->id);
    }
}

void x86_set_fsbase(void *tp)
{
    (void)mon_call(MON_WRMSR, MSR_FS_BASE, (uint64_t)tp, 0);
}

_Noreturn void x86_triple_fault(void)
{
    for (;;) {
        (void)mon_call(MON_STOP, 0, 0, 0);
    }
}
