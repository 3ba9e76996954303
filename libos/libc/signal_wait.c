/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for signals: sigwait() and its kin take them, sigsuspend() and pause() let them come. */
#include <errno.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include <pith/iowait.h>
#include <pith/platform.h>
#include <pith/waitq.h>

#include "deadline.h"
#include "result.h"
#include "signal_impl.h"

/* Those who wait; `lock` is taken before signal_lock. */
static struct spinlock lock = SPINLOCK_INIT;
static struct waitq waiters = WAITQ_INIT(waiters);

static void tell(void)
{
    bool was = spin_lock(&lock);
    waitq_wake_all(&waiters);
    spin_unlock(&lock, was);
}

/* Returns the signal. Errors: -EAGAIN (time is over), -EINTR. */
static int wait_until(sigset_t wanted, siginfo_t *info, uint64_t deadline)
{
    int sig, r = 0;
    signal_start();
    __atomic_store_n(&signal_tell, tell, __ATOMIC_RELEASE);
    wanted &= ~SIGNALS_UNBLOCKABLE;
    if (wanted & signal_bit(SIGTERM)) {
        signal_from_host();
    }
    bool was = spin_lock(&lock);
    while ((sig = signal_accept(wanted, info)) == 0 && r == 0) {
        r = waitq_wait_for(&waiters, &lock, deadline, ATTENTION_ALL);
    }
    spin_unlock(&lock, was);
    return sig != 0 ? sig : r == -ETIMEDOUT ? -EAGAIN : r;
}

static int wait_for(const sigset_t *set, siginfo_t *info, uint64_t deadline)
{
    siginfo_t mine;
    int r;
    do {
        libc_point();
        r = wait_until(*set, info != NULL ? info : &mine, deadline);
    } while (libc_again_unless_handled(r));
    return r;
}

int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
    return (int)libc_result(wait_for(set, info, NO_DEADLINE));
}

int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    uint64_t deadline = NO_DEADLINE, span;
    if (timeout != NULL) {
        int r = span_ns(timeout, &span);
        if (r != 0) {
            return (int)libc_result(r);
        }
        if (__builtin_add_overflow(platform_clock_ns(), span, &deadline)) {
            deadline = NO_DEADLINE;
        }
    }
    return (int)libc_result(wait_for(set, info, deadline));
}

/* Unlike the others it is not ended by handlers of other signals (glibc restarts it). */
int sigwait(const sigset_t *set, int *sig)
{
    int r;
    do {
        r = wait_for(set, NULL, NO_DEADLINE);
    } while (r == -EINTR);
    if (r < 0) {
        return -r;
    }
    *sig = r;
    return 0;
}

/* Until a handler has run. Returns -EINTR. */
static int until_handled(void)
{
    struct io_waiter w;
    io_waiter_init(&w);
    do {
        (void)io_wait(&w, NO_DEADLINE); /* nobody wakes it */
    } while (point_attend() == ATTENDED_NONE);
    return -EINTR;
}

int sigsuspend(const sigset_t *mask)
{
    signal_start();
    signal_set_mask_for_call(*mask);
    int r = until_handled();
    signal_end_mask_for_call();
    return (int)libc_result(r);
}

int pause(void)
{
    return (int)libc_result(until_handled());
}
