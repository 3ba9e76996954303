/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the paravirtual clock page. */
#include <x86/pvclock.h>

#include <x86/cpu.h>

uint64_t pvclock_read(const volatile struct pvclock_time *t)
{
    uint32_t version;
    uint64_t ns;

    do {
        version = __atomic_load_n(&t->version, __ATOMIC_ACQUIRE);
        uint64_t delta = rdtsc_ordered() - t->tsc_timestamp;
        int shift = t->tsc_shift;
        delta = shift >= 0 ? delta << shift : delta >> -shift;
        ns = t->system_time + (uint64_t)((unsigned __int128)delta * t->tsc_to_system_mul >> 32);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (version & 1 || version != t->version);
    return ns;
}
