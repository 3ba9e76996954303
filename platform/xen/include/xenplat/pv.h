/* SPDX-License-Identifier: BSD-2-Clause */
/* Xen PV: what platform/x86 needs to know of it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <x86/mem.h>

/*
 * The machine address of a byte of ours, and in *len how many bytes (at most `want`) lie behind
 * each other from there: PV memory is contiguous within a page only, unless by luck. PADDR_NONE
 * when it isn't RAM of ours.
 */
paddr_t xen_pv_mem_to_paddr(const void *p, size_t want, size_t *len);

/*
 * The home address of machine address `pa`; NULL when [pa, pa + len) isn't ours or leaves the page.
 */
void *xen_pv_mem_from_paddr(paddr_t pa, size_t len);

/* CPUID as Xen wants a PV guest to see it (a bare CPUID shows the machine). */
void xen_pv_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t r[4]);
