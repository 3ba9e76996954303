/* SPDX-License-Identifier: BSD-2-Clause */
/* Sleeping, until the time or a signal handler. */
#include <errno.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <pith/iowait.h>
#include <pith/platform.h>
#include <pith/thread.h>

#include "deadline.h"
#include "point.h"
#include "result.h"

static uint64_t after(uint64_t span)
{
    uint64_t at;
    return __builtin_add_overflow(platform_clock_ns(), span, &at) ? NO_DEADLINE : at;
}

/* Nobody wakes this waiter. Returns 0 at the deadline, or -EINTR. */
static int sleep_until(uint64_t deadline)
{
    struct io_waiter w;
    int r;
    io_waiter_init(&w);
    do {
        libc_point();
        r = io_wait(&w, deadline);
    } while (libc_again_unless_handled(r));
    return r == -ETIMEDOUT ? 0 : r;
}

/* What is left of a sleep, in ns. */
static uint64_t left(uint64_t deadline)
{
    uint64_t now = platform_clock_ns();
    return deadline > now ? deadline - now : 0;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *request,
                    struct timespec *remaining)
{
    uint64_t deadline;
    int r;
    if (flags & TIMER_ABSTIME) {
        r = deadline_ns(clock, request, &deadline);
        return r == 0 ? -sleep_until(deadline) : -r;
    }
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
        return EINVAL;
    }
    r = span_ns(request, &deadline);
    if (r == 0) {
        deadline = after(deadline);
        r = sleep_until(deadline);
    }
    if (r == -EINTR && remaining != NULL) {
        uint64_t ns = left(deadline);
        *remaining = (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_SECOND),
                                        .tv_nsec = (long)(ns % NS_PER_SECOND) };
    }
    return -r; /* this call returns the error number and leaves errno alone */
}

int nanosleep(const struct timespec *request, struct timespec *remaining)
{
    return (int)libc_result(-clock_nanosleep(CLOCK_REALTIME, 0, request, remaining));
}

int usleep(useconds_t us)
{
    return (int)libc_result(sleep_until(after((uint64_t)us * 1000)));
}

unsigned sleep(unsigned seconds)
{
    uint64_t deadline = after(seconds * NS_PER_SECOND);
    return sleep_until(deadline) == 0
               ? 0
               : (unsigned)((left(deadline) + NS_PER_SECOND - 1) / NS_PER_SECOND);
}

int sched_yield(void)
{
    thread_yield();
    return 0;
}
