/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX timers: timer_create() and its kin, which send a signal, run a function in a thread of their
 * own, or do nothing but count.
 *
 * An expiration is an interrupt that enters the timer's own entry, so it can't fail; while that is
 * not delivered, expirations are counted as overruns (POSIX, timer_getoverrun()).
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#include <pith/heap.h>
#include <pith/platform.h>
#include <pith/timer.h>
#include <pith/waitq.h>

#include "deadline.h"
#include "result.h"
#include "signal_impl.h"

struct ptimer {
    struct timer timer;
    struct ptimer *next;  /* all under `lock`, which is taken before signal_lock */
    clockid_t clock;
    struct sigevent event;
    struct signal_entry entry;
    uint64_t deadline_ns; /* 0: disarmed */
    uint64_t interval_ns;
    unsigned overrun;
    unsigned due;         /* SIGEV_THREAD: calls to be made */
    bool deleted;
    struct waitq q;       /* its thread */
};

static struct spinlock lock = SPINLOCK_INIT;
static struct ptimer *timers;

static struct ptimer *find(timer_t id)
{
    struct ptimer *p = timers;
    while (p != NULL && (timer_t)(uintptr_t)p != id) {
        p = p->next;
    }
    return p;
}

static unsigned add_bounded(unsigned a, uint64_t b)
{
    return b > INT_MAX - a ? INT_MAX : a + (unsigned)b; /* DELAYTIMER_MAX */
}

/* Tell of `n` expirations. Context: interrupt, lock held. Returns whether a signal is to be sent. */
static bool expire(struct ptimer *p, uint64_t n)
{
    if (p->event.sigev_notify == SIGEV_THREAD) {
        p->due = add_bounded(p->due, n);
        waitq_wake_all(&p->q);
        return false;
    }
    if (p->event.sigev_notify != SIGEV_SIGNAL) {
        return false;
    }
    bool was = spin_lock(&signal_lock);
    bool waits = p->entry.queued;
    if (waits) {
        p->entry.overrun = add_bounded(p->entry.overrun, n);
    }
    spin_unlock(&signal_lock, was);
    p->overrun = waits ? p->entry.overrun : add_bounded(0, n - 1);
    return !waits;
}

/* Context: interrupt. */
static void fire(struct timer *t)
{
    struct ptimer *p = LIST_ENTRY(t, struct ptimer, timer);
    bool send = false;
    siginfo_t info = { .si_signo = p->event.sigev_signo, .si_code = SI_TIMER,
                       .si_value = p->event.sigev_value };
    bool was = spin_lock(&lock);
    uint64_t now = platform_clock_ns();
    if (p->deadline_ns != 0 && p->deadline_ns <= now) {
        uint64_t n = 1;
        if (p->interval_ns != 0) {
            n += (now - p->deadline_ns) / p->interval_ns;
            p->deadline_ns += n * p->interval_ns;
            timer_arm(t, p->deadline_ns);
        } else {
            p->deadline_ns = 0;
        }
        info.si_overrun = (int)add_bounded(0, n - 1);
        send = expire(p, n);
    }
    spin_unlock(&lock, was);
    if (send) {
        signal_send(NULL, &info, &p->entry);
    }
}

/* The thread of a SIGEV_THREAD timer: a call per expiration, one after the other. */
static void *notify(void *arg)
{
    struct ptimer *p = arg;
    bool was = spin_lock(&lock);
    while (!p->deleted) {
        if (p->due == 0) {
            waitq_wait(&p->q, &lock, UINT64_MAX);
            continue;
        }
        p->due--;
        spin_unlock(&lock, was);
        p->event.sigev_notify_function(p->event.sigev_value);
        was = spin_lock(&lock);
    }
    spin_unlock(&lock, was);
    heap_free(p);
    return NULL;
}

static int start_thread(struct ptimer *p)
{
    struct thread_attr how = { .detached = true, .name = "timer" };
    struct thread *t;
    const pthread_attr_t *attr = p->event.sigev_notify_attributes;
    if (attr != NULL) {
        how.stack_size = attr->__stack_size;
        how.guard_size = attr->__guard_size;
    }
    return thread_create(&t, &how, notify, p) == 0 ? 0 : -EAGAIN;
}

static int create(clockid_t clock, const struct sigevent *event, timer_t *out)
{
    struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
    if (event != NULL) {
        e = *event;
    }
    if ((clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) ||
        (e.sigev_notify != SIGEV_NONE && e.sigev_notify != SIGEV_SIGNAL &&
         e.sigev_notify != SIGEV_THREAD) ||
        (e.sigev_notify == SIGEV_SIGNAL && !signal_is_valid(e.sigev_signo))) {
        return -EINVAL;
    }
    struct ptimer *p = heap_alloc(sizeof(*p));
    if (p == NULL) {
        return -EAGAIN;
    }
    *p = (struct ptimer){ .clock = clock, .event = e };
    timer_init(&p->timer, fire);
    waitq_init(&p->q);
    if (event == NULL) {
        p->event.sigev_value.sival_ptr = p; /* the timer's id; POSIX */
    }
    signal_start();
    int r = e.sigev_notify == SIGEV_THREAD ? start_thread(p) : 0;
    if (r != 0) {
        heap_free(p);
        return r;
    }
    bool was = spin_lock(&lock);
    p->next = timers;
    timers = p;
    spin_unlock(&lock, was);
    *out = (timer_t)(uintptr_t)p;
    return 0;
}

int timer_create(clockid_t clock, struct sigevent *restrict event, timer_t *restrict out)
{
    return (int)libc_result(create(clock, event, out));
}

int timer_delete(timer_t id)
{
    bool was = spin_lock(&lock);
    struct ptimer *p = find(id);
    if (p == NULL) {
        spin_unlock(&lock, was);
        return (int)libc_result(-EINVAL);
    }
    struct ptimer **at = &timers;
    while (*at != p) {
        at = &(*at)->next;
    }
    *at = p->next;
    p->deadline_ns = 0;
    p->deleted = true;
    timer_cancel(&p->timer);
    (void)spin_lock(&signal_lock);
    struct signal_entry **e = &signal_process.first;
    while (*e != NULL && *e != &p->entry) {
        e = &(*e)->next;
    }
    if (*e != NULL) {
        *e = p->entry.next; /* the signal itself stays, as on Linux; its number is known */
    }
    spin_unlock(&signal_lock, true);
    bool has_thread = p->event.sigev_notify == SIGEV_THREAD;
    waitq_wake_all(&p->q);
    spin_unlock(&lock, was);
    if (!has_thread) {
        heap_free(p);
    }
    return 0;
}

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_SECOND),
                              .tv_nsec = (long)(ns % NS_PER_SECOND) };
}

/* What is left. Context: lock held. */
static struct itimerspec setting_of(const struct ptimer *p)
{
    uint64_t now = platform_clock_ns();
    uint64_t left = p->deadline_ns == 0 ? 0 : p->deadline_ns > now ? p->deadline_ns - now : 1;
    return (struct itimerspec){ .it_value = timespec_of(left),
                                .it_interval = timespec_of(p->interval_ns) };
}

static int set(timer_t id, int flags, const struct itimerspec *value, struct itimerspec *old)
{
    uint64_t interval, span, deadline = 0;
    int r = value == NULL ? -EINVAL : span_ns(&value->it_interval, &interval);
    if (r == 0) {
        r = span_ns(&value->it_value, &span);
    }
    if (r != 0) {
        return r;
    }
    bool was = spin_lock(&lock);
    struct ptimer *p = find(id);
    clockid_t clock = p != NULL ? p->clock : CLOCK_MONOTONIC;
    spin_unlock(&lock, was);
    if (p == NULL) {
        return -EINVAL;
    }
    if (span != 0 && (flags & TIMER_ABSTIME)) {
        r = deadline_ns(clock, &value->it_value, &deadline);
        deadline += deadline == 0;
    } else if (span != 0 && __builtin_add_overflow(platform_clock_ns(), span, &deadline)) {
        deadline = NO_DEADLINE;
    }
    if (r != 0) {
        return r;
    }
    was = spin_lock(&lock);
    p = find(id);
    if (p == NULL) {
        spin_unlock(&lock, was);
        return -EINVAL;
    }
    if (old != NULL) {
        *old = setting_of(p);
    }
    p->deadline_ns = deadline;
    p->interval_ns = interval;
    p->overrun = 0;
    timer_cancel(&p->timer);
    if (deadline != 0 && deadline != NO_DEADLINE) {
        timer_arm(&p->timer, deadline);
    }
    spin_unlock(&lock, was);
    return 0;
}

int timer_settime(timer_t id, int flags, const struct itimerspec *restrict value,
                  struct itimerspec *restrict old)
{
    return (int)libc_result(set(id, flags, value, old));
}

int timer_gettime(timer_t id, struct itimerspec *value)
{
    bool was = spin_lock(&lock);
    struct ptimer *p = find(id);
    if (p != NULL) {
        *value = setting_of(p);
    }
    spin_unlock(&lock, was);
    return (int)libc_result(p != NULL ? 0 : -EINVAL);
}

int timer_getoverrun(timer_t id)
{
    bool was = spin_lock(&lock);
    struct ptimer *p = find(id);
    int overrun = p != NULL ? (int)p->overrun : -EINVAL;
    spin_unlock(&lock, was);
    return (int)libc_result(overrun);
}
