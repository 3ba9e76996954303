/* SPDX-License-Identifier: BSD-2-Clause */
/* Xen PVH: a monitor platform whose host is Xen. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <pith/boot.h>

/* Whether the host says by CPUID that it is Xen. Context: any; not on PV, which needs no asking. */
bool xen_detect(void);

/*
 * Start Xen's services for xen_pvh_ops: shared info page, events, clock and timer. The local APIC
 * must be enabled: Xen drops events of a vCPU whose APIC is off. Called once, before the seal.
 * Errors: -ENOMEM, Xen's.
 */
int xen_pvh_init(struct boot_info *info);

/*
 * What a domain has to be asked for, at the start and as a new domain after a resume: attach maps the
 * shared info page and has events come to us, find_given fills xen_given_*. Context: masked. Errors:
 * -EIO, Xen's.
 */
int xen_pvh_attach(void);
void xen_pvh_find_given(void);

/*
 * How many pages of the memory map Xen has not given us: maxmem is above memory, and no more than that
 * may be touched. Context: any.
 */
uint64_t xen_pvh_pages_short(void);

/*
 * Have one of Xen's pages (XENMAPSPACE_shared_info 0, XENMAPSPACE_grant_table 0..) where it can be used:
 * the same address each time, again after a resume. NULL: Xen refuses, or GRANT_MAX_FRAMES. Context:
 * any.
 */
void *xen_pvh_place(unsigned space, unsigned index);
