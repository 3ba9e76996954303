/* SPDX-License-Identifier: BSD-2-Clause */
/* The paravirtual clock page, the same on KVM and Xen (xen public/xen.h, struct vcpu_time_info). */
#pragma once

#include <stdint.h>

struct pvclock_time {
    uint32_t version; /* odd while the host writes */
    uint32_t pad0;
    uint64_t tsc_timestamp;
    uint64_t system_time; /* ns at tsc_timestamp */
    uint32_t tsc_to_system_mul;
    int8_t tsc_shift;
    uint8_t flags; /* bit 0: TSC stable across CPUs; bit 1: the guest was stopped */
    uint8_t pad1[2];
};

_Static_assert(sizeof(struct pvclock_time) == 32, "xen public/xen.h");

/*
 * ns since the host's epoch for this guest. Context: any, on the CPU that the page belongs to (or
 * stable TSC).
 */
uint64_t pvclock_read(const volatile struct pvclock_time *t);
