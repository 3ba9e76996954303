/* SPDX-License-Identifier: BSD-2-Clause */
/* The clocks: reading, setting, and deadlines on them. */
#define _GNU_SOURCE /* the clocks that Linux has beyond POSIX */
#include <errno.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

#include <pith/platform.h>

#include "deadline.h"
#include "result.h"

#define TIMES_PER_SEC 100 /* sysconf(_SC_CLK_TCK) says the same */
#define NS_PER_TICK   (NS_PER_SECOND / CLOCKS_PER_SEC)

/* What clock_settime() added to the host's wall clock; the host's is not ours to set. Atomic. */
static int64_t realtime_offset;

uint64_t realtime_ns(void)
{
    return platform_wall_ns() + (uint64_t)__atomic_load_n(&realtime_offset, __ATOMIC_RELAXED);
}

/*
 * Read `clock` into *out. CPU time isn't accounted: the process is given the time since boot, idle
 * time included, which is what the machine costs its owner. There is no clock per thread.
 */
static int clock_read(clockid_t clock, uint64_t *out)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        *out = realtime_ns();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_PROCESS_CPUTIME_ID:
        *out = platform_clock_ns();
        return 0;
    default:
        return -EINVAL;
    }
}

int span_ns(const struct timespec *span, uint64_t *out)
{
    if (span->tv_sec < 0 || span->tv_nsec < 0 || span->tv_nsec >= (long)NS_PER_SECOND) {
        return -EINVAL;
    }
    uint64_t ns;
    if (__builtin_mul_overflow((uint64_t)span->tv_sec, NS_PER_SECOND, &ns) ||
        __builtin_add_overflow(ns, (uint64_t)span->tv_nsec, out)) {
        *out = NO_DEADLINE;
    }
    return 0;
}

int deadline_ns(clockid_t clock, const struct timespec *abstime, uint64_t *out)
{
    if (abstime->tv_nsec < 0 || abstime->tv_nsec >= (long)NS_PER_SECOND ||
        (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)) {
        return -EINVAL;
    }
    uint64_t at = 0;
    if (abstime->tv_sec >= 0) {
        span_ns(abstime, &at);
    }
    if (clock == CLOCK_REALTIME && at != NO_DEADLINE) {
        uint64_t now = realtime_ns();
        uint64_t mono = platform_clock_ns();
        uint64_t ahead = at > now ? at - now : 0;
        at = mono + ahead < mono ? NO_DEADLINE : mono + ahead;
    }
    *out = at;
    return 0;
}

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_SECOND),
                              .tv_nsec = (long)(ns % NS_PER_SECOND) };
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
    uint64_t ns;
    int r = clock_read(clock, &ns);
    if (r == 0) {
        *ts = timespec_of(ns);
    }
    return (int)libc_result(r);
}

int clock_getres(clockid_t clock, struct timespec *ts)
{
    uint64_t ns;
    int r = clock_read(clock, &ns);
    if (r == 0 && ts != NULL) {
        *ts = timespec_of(1);
    }
    return (int)libc_result(r);
}

int clock_settime(clockid_t clock, const struct timespec *ts)
{
    uint64_t ns;
    if (clock != CLOCK_REALTIME || span_ns(ts, &ns) != 0) {
        return (int)libc_result(-EINVAL);
    }
    __atomic_store_n(&realtime_offset, (int64_t)(ns - platform_wall_ns()), __ATOMIC_RELAXED);
    return 0;
}

int gettimeofday(struct timeval *restrict tv, void *restrict timezone)
{
    if (timezone != NULL) { /* as Linux where nobody has told the kernel of one: UTC */
        *(struct timezone *)timezone = (struct timezone){ .tz_minuteswest = 0 };
    }
    uint64_t us = realtime_ns() / 1000;
    tv->tv_sec = (time_t)(us / 1000000);
    tv->tv_usec = (suseconds_t)(us % 1000000);
    return 0;
}

time_t time(time_t *out)
{
    time_t now = (time_t)(realtime_ns() / NS_PER_SECOND);
    if (out != NULL) {
        *out = now;
    }
    return now;
}

clock_t clock(void)
{
    return (clock_t)(platform_clock_ns() / NS_PER_TICK);
}

clock_t times(struct tms *buf)
{
    clock_t now = (clock_t)(platform_clock_ns() / (NS_PER_SECOND / TIMES_PER_SEC));
    *buf = (struct tms){ .tms_utime = now };
    return now;
}
