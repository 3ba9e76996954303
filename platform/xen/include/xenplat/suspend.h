/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Save, restore and migration (xen docs/misc/xenstore-paths.pandoc, control/shutdown; public/sched.h,
 * SHUTDOWN_suspend): the guest is asked to suspend, makes itself fit to be moved, and goes on in a
 * new domain, or in the old one when nothing came of it.
 *
 * suspend.c does it, in this order, on the thread that serves control/shutdown:
 *   the hooks' before()
 *   xenstore_suspend()      nobody is in the middle of a request
 *   masked, alone from here on:
 *   the console's output has been taken; xen_time_suspend()
 *   xen_pv_suspend() or xen_pvh_suspend()
 *   if it was moved: evtchn_resume() xen_console_resume() xen_time_resume(), the hooks' moved()
 *   open again:
 *   xenstore_resume()       the new connection; all watches are set again, and fire
 *   if it was moved: the hooks' ready()
 *   the hooks' after()
 *
 * Parts that not every image has (grants, front ends) are reached by hooks, which they add when they
 * are first used.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <pith/list.h>

struct xen_resume_hook { /* each may be NULL */
    void (*before)(void); /* a thread, xenstore answers: what must not be interrupted is over on return */
    void (*moved)(void);  /* masked */
    void (*ready)(void);  /* a thread, with xenstore there again */
    void (*after)(void);  /* a thread; also when nothing came of the suspension */
    struct list list;
};

/* Have the hook called at each resume from now on; in the order of adding. Context: any. */
void xen_resume_add(struct xen_resume_hook *hook);

/*
 * Do it all. Returns 0 when the guest was moved, 1 when it was not to be, -Exxx from Xen. Context:
 * the thread that serves control/shutdown.
 */
int xen_suspend(void);

/* How often this guest has been moved. Context: any. */
uint32_t xen_generation(void);

/*
 * PV and PVH have one each (pv/pv_suspend.c, pvh/pvh_suspend.c), chosen by xen_pv.
 *
 * Suspend this domain. Returns 0 when it goes on as a new one, with xen_shared_info, this CPU's
 * vcpu_info, the upcall and xen_given_* in order; 1 when the suspension was cancelled and nothing
 * has changed; -Exxx when Xen refused. Context: masked, the only CPU that runs.
 */
int xen_pv_suspend(void);
int xen_pvh_suspend(void);

/* Masked. The ports are gone: forget the handlers; VIRQs and IPIs are bound again. */
void evtchn_resume(void);

/* Masked. The console's ring and port again, from xen_given_console. */
void xen_console_resume(void);

/* Masked. The clock goes on where it was at xen_time_suspend(), never back; timers are armed again. */
void xen_time_suspend(void);
void xen_time_resume(void);

/*
 * Thread. Hold requests back and wait for the answers of those that are under way; and the new
 * ring, with every watch set again, when the guest was `moved`.
 */
void xenstore_suspend(void);
void xenstore_resume(bool moved);
