/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the grant table's frames are mapped. They are Xen's pages.
 *
 * PVH: Xen puts them where we say, beside RAM (pvh/pvh.c).
 * PV: Xen tells their machine addresses, which are mapped like memory of our own.
 */
#include <xenplat/grant.h>

#include <pith/panic.h>
#include <pith/platform.h>
#include <xenplat/hypercall.h>
#include <xenplat/pv.h>
#include <xenplat/pvh.h>

#include <xen/grant_table.h>

unsigned grant_frames_limit(void)
{
    struct gnttab_query_size query = {.dom = DOMID_SELF};

    if (!xen_pv) {
        return GRANT_MAX_FRAMES; /* the query would need the monitor; Xen refuses when it is enough */
    }
    if (xen_grant_table_op(GNTTABOP_query_size, &query, 1) != 0 || query.status != GNTST_okay) {
        return 0;
    }
    return query.max_nr_frames < GRANT_MAX_FRAMES ? query.max_nr_frames : GRANT_MAX_FRAMES;
}

static xen_pfn_t pv_frames[GRANT_MAX_FRAMES];
static void *pv_mapped[GRANT_MAX_FRAMES];

static bool pv_setup(unsigned n)
{
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = n};

    set_xen_guest_handle(setup.frame_list, pv_frames);
    return xen_grant_table_op(GNTTABOP_setup_table, &setup, 1) == 0 && setup.status == GNTST_okay;
}

static void *pv_map(unsigned index)
{
    if (!pv_setup(index + 1)) {
        return NULL;
    }
    pv_mapped[index] = xen_pv_map_foreign(pv_frames[index]);
    return pv_mapped[index];
}

void grant_frames_resume(unsigned n)
{
    bool good = n == 0 || !xen_pv || pv_setup(n);

    for (unsigned i = 0; i < n && good; i++) {
        good = xen_pv ? xen_pv_map_again(pv_mapped[i], pv_frames[i]) == 0
                      : xen_pvh_place(XENMAPSPACE_grant_table, i) != NULL;
    }
    if (!good) {
        PANIC("no grant table after a resume");
    }
}

void *grant_frame_map(unsigned index)
{
    return index >= GRANT_MAX_FRAMES ? NULL : xen_pv ? pv_map(index)
                                     : xen_pvh_place(XENMAPSPACE_grant_table, index);
}
