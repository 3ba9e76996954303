/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers as descriptors. */
#define _GNU_SOURCE /* CLOCK_BOOTTIME */
#include <sys/timerfd.h>

#include <errno.h>
#include <stdbool.h>

#include <pith/anonfile.h>
#include <pith/platform.h>

#include "deadline.h"
#include "fd.h"
#include "result.h"

int timerfd_create(clockid_t clock, int flags)
{
    struct file *f;
    if ((flags & ~(TFD_NONBLOCK | TFD_CLOEXEC)) != 0 ||
        (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)) {
        return (int)libc_result(-EINVAL);
    }
    int r = timerfd_new(&f, clock == CLOCK_REALTIME, flags & TFD_NONBLOCK);
    return (int)libc_result(r < 0 ? r : fd_give(f, flags));
}

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_SECOND),
                              .tv_nsec = (long)(ns % NS_PER_SECOND) };
}

/* What is left and the interval, as the calls tell it. */
static void report(const struct timerfd_setting *setting, struct itimerspec *out)
{
    uint64_t now = platform_clock_ns();
    uint64_t left = 0;
    if (setting->deadline_ns != 0) {
        left = setting->deadline_ns > now ? setting->deadline_ns - now : 1; /* not "disarmed" */
    }
    out->it_value = timespec_of(left);
    out->it_interval = timespec_of(setting->interval_ns);
}

/*
 * An absolute time as a monotonic deadline. Unlike a deadline to sleep until, it matters how long
 * ago a past one is, because the periods since then count; those before the machine's start don't.
 */
static uint64_t absolute(bool realtime, uint64_t at)
{
    if (!realtime) {
        return at;
    }
    uint64_t now = realtime_ns();
    uint64_t mono = platform_clock_ns();
    uint64_t deadline;
    if (at < now) {
        return now - at < mono ? mono - (now - at) : 0;
    }
    return __builtin_add_overflow(mono, at - now, &deadline) ? NO_DEADLINE : deadline;
}

static int deadline_of(bool realtime, int flags, const struct timespec *value, uint64_t *out)
{
    uint64_t ns;
    int r = span_ns(value, &ns);
    if (r != 0 || ns == 0) {
        *out = 0;
        return r;
    }
    if (flags & TFD_TIMER_ABSTIME) {
        *out = absolute(realtime, ns);
    } else if (__builtin_add_overflow(platform_clock_ns(), ns, out)) {
        *out = NO_DEADLINE;
    }
    *out += *out == 0; /* 0 would disarm it */
    return 0;
}

static int settime(struct file *f, int flags, const struct itimerspec *value,
                   struct itimerspec *old)
{
    struct timerfd_setting setting, before;
    int r = timerfd_get(f, &before);
    if (r == 0) {
        r = span_ns(&value->it_interval, &setting.interval_ns);
    }
    if (r == 0) {
        r = deadline_of(before.realtime, flags, &value->it_value, &setting.deadline_ns);
    }
    if (r == 0) {
        r = timerfd_set(f, &setting, &before);
    }
    if (r == 0 && old != NULL) {
        report(&before, old);
    }
    return r;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *old)
{
    if (value == NULL) {
        return (int)libc_result(-EFAULT);
    }
    if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) != 0) {
        return (int)libc_result(-EINVAL);
    }
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return (int)libc_result(-EBADF);
    }
    int r = settime(f, flags, value, old);
    file_unref(f);
    return (int)libc_result(r);
}

int timerfd_gettime(int fd, struct itimerspec *value)
{
    struct timerfd_setting setting;
    if (value == NULL) {
        return (int)libc_result(-EFAULT);
    }
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return (int)libc_result(-EBADF);
    }
    int r = timerfd_get(f, &setting);
    if (r == 0) {
        report(&setting, value);
    }
    file_unref(f);
    return (int)libc_result(r);
}
