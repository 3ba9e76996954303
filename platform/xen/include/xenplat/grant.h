/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grants: pages of ours that another domain may use (public/grant_table.h, version 1).
 *
 * A reference is reserved, made to stand for a page, revoked, and given back. A page that the other
 * side still has mapped can't be revoked; neither it nor its reference is used again before the
 * other side lets go, so nobody can be tricked into sharing what comes next.
 *
 * Version 1 names frames by 32 bits: pages above 16 TiB are refused. The table grows a frame of 512
 * references at a time, as long as Xen allows. Only images with a driver that grants contain this.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reserve n references, all or none. Context: thread, or masked when the table need not grow.
 * Errors: -ENOSPC the table can't grow, -ENOMEM, -ENOSYS this domain has none.
 */
int grant_alloc(uint32_t *refs, size_t n);

/* Give back references that stand for nothing. One that is still granted is a PANIC. Context: any. */
void grant_free(const uint32_t *refs, size_t n);

/*
 * Let `domain` read, or read and write, the page of ours at `page`, through a reserved reference.
 * Context: any. Errors: -EINVAL not a page of RAM or not a reserved reference, -EBUSY granted
 * already, -EOVERFLOW the page is above 16 TiB.
 */
int grant_access(uint32_t ref, unsigned domain, const void *page, bool readonly);

/*
 * End the access; the reference stays reserved. Context: any. Errors: -EBUSY the other side has it
 * mapped (nothing has changed), -EINVAL.
 */
int grant_revoke(uint32_t ref);

/*
 * What the other side does not let go of is left behind: reference and page (of page_alloc(0)) come
 * back by themselves when it does. Context: any.
 */
void grant_abandon(uint32_t ref, void *page);

struct grant_stats {
    unsigned frames;    /* of the table, 512 references each */
    unsigned used;      /* references that are reserved, abandoned ones included */
    unsigned abandoned; /* of these: waiting for the other side */
};

void grant_stats(struct grant_stats *out);

/* ---- where the table is: grant_frames.c ---- */

#define GRANT_MAX_FRAMES 64u /* more is never asked for; Xen's own limit is mostly the same */

/* How many frames Xen lets us have, at most GRANT_MAX_FRAMES; 0: no grant table. */
unsigned grant_frames_limit(void);

/* After a resume: the new domain's frames 0..n-1 at the addresses of the old. Context: masked. */
void grant_frames_resume(unsigned n);

/* Have frame `index` (they are asked for in order) and map it. NULL: Xen or memory refuses. */
void *grant_frame_map(unsigned index);
