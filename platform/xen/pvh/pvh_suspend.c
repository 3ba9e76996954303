/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a PVH guest does to be saved, and after it has been restored.
 *
 * Its memory and its CPU, local APIC included, come back as they were (xen
 * tools/libs/guest/xg_sr_save_x86_hvm.c); so do the monitor, which is memory, and the seal. Not saved
 * are the shared info page's and the grant table's places, the vector of events, and the parameter by
 * which the toolstack knows us; ports are new. The monitor lets just these be asked for again.
 */
#include <xenplat/suspend.h>

#include <pith/panic.h>
#include <xenplat/hypercall.h>
#include <xenplat/pvh.h>

int xen_pvh_suspend(void)
{
    struct sched_shutdown arg = {.reason = SHUTDOWN_suspend};
    long result = xen_sched_op(SCHEDOP_shutdown, &arg);

    if (result != 0) {
        return (int)result; /* 1: the toolstack has changed its mind, and our rax */
    }
    int error = xen_pvh_attach();
    if (error != 0) {
        PANIC("a restored domain can't be attached to (%d)", error);
    }
    xen_pvh_find_given();
    return 0;
}
