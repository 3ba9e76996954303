/* SPDX-License-Identifier: BSD-2-Clause */
/* Xen PV: what others may want to know of it. */
#pragma once

#include <stdint.h>

/*
 * Tell the toolstack where the p2m is: for a migration before it begins, since it copies a running
 * guest first. 0, -ENOMEM, -E2BIG. Context: any.
 */
int xen_pv_publish_p2m(void);

/*
 * Map a page of Xen's that is ours to use (a frame of the grant table), by its machine frame:
 * writable, for good. NULL: no memory, or Xen refuses. Context: any.
 */
void *xen_pv_map_foreign(uint64_t mfn);

/*
 * Map another at such an address: after a suspension they map nothing. 0 or -Exxx. Context: any.
 */
int xen_pv_map_again(void *va, uint64_t mfn);
