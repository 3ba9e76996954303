/* SPDX-License-Identifier: BSD-2-Clause */
/* The process's one timer of real time: alarm(), ualarm(), setitimer(), getitimer(). */
#include <errno.h>
#include <stddef.h>
#include <sys/time.h>
#include <unistd.h>

#include <pith/platform.h>
#include <pith/timer.h>

#include "deadline.h"
#include "result.h"
#include "signal_impl.h"

static void fire(struct timer *t);

static struct spinlock lock = SPINLOCK_INIT;
static struct timer timer = { .fn = fire }; /* all under lock */
static uint64_t next_ns;                    /* 0: disarmed */
static uint64_t interval_ns;

/* Context: interrupt. */
static void fire(struct timer *t)
{
    siginfo_t info = { .si_signo = SIGALRM, .si_code = SI_KERNEL };
    bool was = spin_lock(&lock);
    uint64_t now = platform_clock_ns();
    bool due = next_ns != 0 && next_ns <= now;
    if (due && interval_ns != 0) {
        next_ns += ((now - next_ns) / interval_ns + 1) * interval_ns;
        timer_arm(t, next_ns);
    } else if (due) {
        next_ns = 0;
    }
    spin_unlock(&lock, was);
    if (due) {
        signal_send(NULL, &info, NULL);
    }
}

/* Set it; a span of 0 disarms. What was left, and the interval, into *left and *every. */
static void set(uint64_t span, uint64_t interval, uint64_t *left, uint64_t *every)
{
    signal_start();
    bool was = spin_lock(&lock);
    uint64_t now = platform_clock_ns();
    *left = next_ns == 0 ? 0 : next_ns > now ? next_ns - now : 1000;
    *every = interval_ns;
    timer_cancel(&timer);
    next_ns = span == 0 ? 0 : now + span < now ? NO_DEADLINE : now + span;
    interval_ns = interval;
    if (next_ns != 0) {
        timer_arm(&timer, next_ns);
    }
    spin_unlock(&lock, was);
}

unsigned alarm(unsigned seconds)
{
    uint64_t left, every;
    set(seconds * NS_PER_SECOND, 0, &left, &every);
    /* Rounded, but never to 0 while it is set; Linux, alarm_setitimer(). */
    uint64_t rounded = (left + NS_PER_SECOND / 2) / NS_PER_SECOND;
    return (unsigned)(left != 0 && rounded == 0 ? 1 : rounded);
}

useconds_t ualarm(useconds_t us, useconds_t interval)
{
    uint64_t left, every;
    set((uint64_t)us * 1000, (uint64_t)interval * 1000, &left, &every);
    return (useconds_t)(left / 1000);
}

static struct timeval timeval_of(uint64_t ns)
{
    return (struct timeval){ .tv_sec = (time_t)(ns / NS_PER_SECOND),
                             .tv_usec = (suseconds_t)(ns % NS_PER_SECOND / 1000) };
}

static int ns_of(const struct timeval *t, uint64_t *out)
{
    struct timespec span = { .tv_sec = t->tv_sec, .tv_nsec = (long)t->tv_usec * 1000 };
    return t->tv_usec < 0 || t->tv_usec >= 1000000 ? -EINVAL : span_ns(&span, out);
}

/* There is no clock of the time that the program computes, so only ITIMER_REAL. */
static int set_timer(int which, const struct itimerval *value, struct itimerval *old)
{
    uint64_t span = 0, interval = 0, left, every;
    if (which != ITIMER_REAL) {
        return -EINVAL;
    }
    int r = value == NULL ? 0 : ns_of(&value->it_value, &span);
    if (r == 0 && value != NULL) {
        r = ns_of(&value->it_interval, &interval);
    }
    if (r == 0) {
        set(span, interval, &left, &every);
        if (old != NULL) {
            *old = (struct itimerval){ .it_interval = timeval_of(every),
                                       .it_value = timeval_of(left) };
        }
    }
    return r;
}

int setitimer(int which, const struct itimerval *restrict value, struct itimerval *restrict old)
{
    return (int)libc_result(set_timer(which, value, old));
}

int getitimer(int which, struct itimerval *value)
{
    if (which != ITIMER_REAL) {
        return (int)libc_result(-EINVAL);
    }
    bool was = spin_lock(&lock);
    uint64_t now = platform_clock_ns();
    uint64_t left = next_ns == 0 ? 0 : next_ns > now ? next_ns - now : 1000;
    *value = (struct itimerval){ .it_interval = timeval_of(interval_ns),
                                 .it_value = timeval_of(left) };
    spin_unlock(&lock, was);
    return 0;
}
