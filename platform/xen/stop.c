/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a Xen guest (public/sched.h, SHUTDOWN_*). */
#include <xenplat/services.h>

#include <xen/features.h>

static bool hardware_domain;
static bool reboot_wanted; /* atomic */

void xen_stop_init(void)
{
    struct xen_feature_info info = {.submap_idx = XENFEAT_dom0 / 32};

    if (xen_version(XENVER_get_features, &info) == 0) {
        hardware_domain = info.submap >> XENFEAT_dom0 % 32 & 1;
    }
}

bool xen_is_hardware_domain(void)
{
    return hardware_domain;
}

void xen_stop_by_reboot(bool reboot)
{
    __atomic_store_n(&reboot_wanted, reboot, __ATOMIC_RELAXED);
}

void xen_stop(enum platform_stop how, int status)
{
    (void)status; /* Xen has no channel for it */
    struct sched_shutdown arg = {.reason = SHUTDOWN_poweroff};

    if (how == PLATFORM_CRASH) {
        arg.reason = SHUTDOWN_crash;
    } else if (how == PLATFORM_REBOOT || __atomic_load_n(&reboot_wanted, __ATOMIC_RELAXED)) {
        arg.reason = SHUTDOWN_reboot;
    }
    /*
     * For the hardware domain Xen ends the machine: on "poweroff" it halts the CPUs and leaves the
     * power on, on "crash" it waits five seconds. As that domain we are a test on an emulator,
     * which a reboot ends.
     */
    if (hardware_domain) {
        arg.reason = SHUTDOWN_reboot;
    }
    xen_console_flush();
    xen_sched_op(SCHEDOP_shutdown, &arg);
}
