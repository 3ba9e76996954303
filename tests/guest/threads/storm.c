/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A 10 kHz timer that asks for a reschedule, as the scheduler's own tick does at the end of a
 * slice.
 */
#include "storm.h"

#include <pith/percpu.h>
#include <pith/irq.h>
#include <pith/platform.h>
#include <pith/timer.h>

#define PERIOD_NS 100000u

static struct timer timer;
static volatile unsigned count;

static PITH_INTERRUPT void tick(struct timer *t)
{
    count++;
    percpu_this()->need_resched = 1;
    timer_arm(t, platform_clock_ns() + PERIOD_NS);
}

void storm_start(void)
{
    count = 0;
    timer_init(&timer, tick);
    timer_arm(&timer, platform_clock_ns() + PERIOD_NS);
}

unsigned storm_ticks(void)
{
    return count;
}

unsigned storm_stop(void)
{
    timer_cancel(&timer);
    return count;
}
