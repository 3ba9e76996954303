/* SPDX-License-Identifier: BSD-2-Clause */
/* The balloon (balloon.c), for the thread that hears the toolstack. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum xen_balloon {
    XEN_BALLOON_DONE,    /* as the toolstack wants it */
    XEN_BALLOON_GOES_ON, /* call again at once */
    XEN_BALLOON_LATER,   /* as far as it goes for now: call again in a while */
};

/* Look at memory/target and go its way, a turn at a time. Context: the thread, xenstore answers. */
enum xen_balloon xen_balloon_look(void);

/*
 * Before any program runs: give back so many pages. A PVH guest with maxmem above memory starts with
 * a memory map of maxmem, and would be ended by Xen were it to touch more than memory.
 */
void xen_balloon_begin(uint64_t pages);

/*
 * PV (pv/pv_balloon.c): a page of the allocator goes, its mapping and its place in the p2m with it; or
 * comes again with another frame. 0, or -Exxx and nothing has changed. Context: the thread.
 */
int xen_pv_page_leave(void *page);
int xen_pv_page_back(void *page);
