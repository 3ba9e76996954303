/* SPDX-License-Identifier: BSD-2-Clause */
/* Xen PVH: a monitor platform whose host is Xen. */
#pragma once

#include <stdbool.h>

#include <pith/boot.h>

/* Whether the host says by CPUID that it is Xen. Context: any; not on PV, which needs no asking. */
bool xen_detect(void);

/*
 * Start Xen's services for xen_pvh_ops: shared info page, events, clock and timer. The local APIC
 * must be enabled: Xen drops events of a vCPU whose APIC is off. Takes one page from a range of
 * info->ram. Called once, before the seal. Errors: -ENOMEM, Xen's.
 */
int xen_pvh_init(struct boot_info *info);
