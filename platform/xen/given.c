/* SPDX-License-Identifier: BSD-2-Clause */
/* The pages that the toolstack gives a guest: the console's and xenstore's. */
#include <xenplat/services.h>

#include <x86/mem.h>

struct xen_given xen_given_console, xen_given_store;

void *xen_map_frame(uint64_t frame)
{
    if (frame == 0 || frame >> (64 - PAGE_SHIFT) != 0) {
        return NULL;
    }
    /* A PV guest's lie in its memory, a PVH guest's beside it. */
    void *page = mem_from_paddr(frame << PAGE_SHIFT, PAGE_SIZE);
    return page != NULL ? page : mem_map_shared(frame << PAGE_SHIFT, PAGE_SIZE);
}
