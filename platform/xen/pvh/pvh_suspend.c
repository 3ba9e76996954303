/* SPDX-License-Identifier: BSD-2-Clause */
/* What a PVH guest does to be saved, and after it has been restored. */
#include <xenplat/suspend.h>

#include <errno.h>

int xen_pvh_suspend(void)
{
    return -ENOSYS;
}
