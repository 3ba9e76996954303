/* SPDX-License-Identifier: BSD-2-Clause */
/* Sleeping. Nothing interrupts a sleep, so the remaining time is never written. */
#include <errno.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <pith/platform.h>
#include <pith/thread.h>

#include "deadline.h"
#include "result.h"

static void sleep_span(uint64_t ns)
{
    uint64_t now = platform_clock_ns();
    thread_sleep_until(now + ns < now ? NO_DEADLINE : now + ns);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *request,
                    struct timespec *remaining)
{
    (void)remaining;
    uint64_t ns;
    int r;
    if (flags & TIMER_ABSTIME) {
        r = deadline_ns(clock, request, &ns);
        if (r == 0) {
            thread_sleep_until(ns);
        }
    } else if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
        r = -EINVAL;
    } else {
        r = span_ns(request, &ns);
        if (r == 0) {
            sleep_span(ns);
        }
    }
    return -r; /* this call returns the error number and leaves errno alone */
}

int nanosleep(const struct timespec *request, struct timespec *remaining)
{
    return (int)libc_result(-clock_nanosleep(CLOCK_REALTIME, 0, request, remaining));
}

int usleep(useconds_t us)
{
    sleep_span((uint64_t)us * 1000);
    return 0;
}

unsigned sleep(unsigned seconds)
{
    sleep_span(seconds * NS_PER_SECOND);
    return 0;
}

int sched_yield(void)
{
    thread_yield();
    return 0;
}
