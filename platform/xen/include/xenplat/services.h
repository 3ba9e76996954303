/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Xen offers every guest alike: time, timer, console, the end. Used by the ops tables of PV
 * and PVH.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pith/percpu.h>
#include <pith/platform.h>
#include <x86/percpu_slots.h>
#include <xenplat/hypercall.h>

/*
 * This CPU's block shared with Xen. Context: masked, or a reader that doesn't mind another CPU's.
 */
static inline struct vcpu_info *xen_vcpu(void)
{
    struct vcpu_info *vcpu;
    __asm__ volatile("movq %%gs:%c1, %0" : "=r"(vcpu) : "i"(PERCPU_XEN_VCPU));
    return vcpu;
}

/* Start the clock at 0 and bind VIRQ_TIMER on this CPU. Errors: Xen's. */
int xen_time_init(void);

/* platform_clock_ns() and so on. */
uint64_t xen_clock_ns(void);
uint64_t xen_wall_ns(void);
void xen_timer_set(uint64_t deadline_ns);
uint64_t xen_steal_ns(void);
size_t xen_pages_away(void);

/*
 * The console: the ring at `page` once xen_console_ring() has named it, else that of the hardware
 * domain. Called again when the page has another address. Until xen_console_ready() has told that
 * the per-CPU block and system time can be used, output is not locked, and what finds no room is
 * dropped after a while.
 */
void xen_console_ring(void *page, uint32_t port);
void xen_console_ready(void);
void xen_console_write(const char *data, size_t len);
size_t xen_console_read(char *data, size_t len);
int xen_console_listen(void);

/* Wait, within limits, until the host has taken what was written. Context: any. */
void xen_console_flush(void);
#define XEN_CONSOLE_WINDOW 64 /* Xen keeps 128 bytes of serial input (xen/drivers/char/console.c) and drops the rest */

/*
 * The pages that the toolstack gave a guest, by the frame numbers that hypercalls use, and their
 * event channels; frame 0: none. Filled before libos runs.
 */
struct xen_given {
    uint64_t frame;
    uint32_t port;
};
extern struct xen_given xen_given_console, xen_given_store;

/*
 * Where such a frame can be read and written; NULL when it is none of ours. The address lasts, and
 * the same frame gives the same address. Context: thread, or the boot.
 */
void *xen_map_frame(uint64_t frame);

/* Whether this is the hardware domain (dom0). */
bool xen_is_hardware_domain(void);

/* Ask whether this is the hardware domain (dom0), whose end is the machine's. */
void xen_stop_init(void);
void xen_stop(enum platform_stop how, int status);

/* Have the end of the machine be a reboot, or not. Context: any. */
void xen_stop_by_reboot(bool reboot);

/*
 * What the toolstack writes to control/ in xenstore: control.c. Prepare: thread, once; listen: any,
 * -ENODEV where there is no xenstore.
 */
void xen_control_prepare(void);
int xen_control_listen(void);
