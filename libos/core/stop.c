/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end that the host asks for. Looking for buttons costs a search through the firmware's tables,
 * so it waits until a program has run for a while.
 */
#include <pith/stop.h>

#include <stddef.h>

#include <pith/cmdline.h>
#include <pith/exit.h>
#include <pith/log.h>
#include <pith/platform.h>
#include <pith/timer.h>

#include "cold.h"

#define LISTEN_NS     100000000ULL
#define GRACE_SECONDS 30
#define GRACE_MAX     (7 * 86400ULL)
#define STATUS        (128 + 15) /* of an end by SIGTERM, as a shell shows it */

static void (*stop_hook)(void); /* atomic */
static bool requested;          /* atomic */
static struct timer timer;      /* first for listening, then for the grace period */

COLD static void grace_is_over(struct timer *t)
{
    (void)t;
    klog(LOG_WARNING, "stop: the program has not ended in time");
    machine_exit(STATUS);
}

COLD static void listen(struct timer *t)
{
    (void)t;
    platform_stop_listen();
    /* A button that is pressed before is not remembered by ACPI; who wants to press it waits for this. */
    machine_tell("listens", "1");
}

COLD void stop_init(void)
{
    platform_stop_prepare();
    timer_init(&timer, listen);
    timer_arm(&timer, platform_clock_ns() + LISTEN_NS);
}

void stop_set_hook(void (*hook)(void))
{
    __atomic_store_n(&stop_hook, hook, __ATOMIC_RELEASE);
}

COLD void stop_requested(void)
{
    void (*hook)(void) = __atomic_load_n(&stop_hook, __ATOMIC_ACQUIRE);
    if (hook == NULL || __atomic_exchange_n(&requested, true, __ATOMIC_ACQ_REL)) {
        machine_exit(STATUS);
    }
    uint64_t grace = cmdline_get_u64("stop.grace", GRACE_SECONDS);
    klog(LOG_INFO, "stop: the host asks for the end");
    timer_cancel(&timer);
    timer_init(&timer, grace_is_over);
    timer_arm(&timer, platform_clock_ns() + (grace < GRACE_MAX ? grace : GRACE_MAX) * 1000000000ULL);
    hook();
}
