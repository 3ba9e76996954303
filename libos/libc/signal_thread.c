/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals with a value, and signals for one thread. */
#define _GNU_SOURCE /* pthread_sigqueue() */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "result.h"
#include "signal_impl.h"

static int send_value(struct thread *t, int sig, union sigval value)
{
    siginfo_t info = { .si_signo = sig, .si_code = SI_QUEUE, .si_value = value,
                       .si_pid = getpid(), .si_uid = getuid() };
    signal_start();
    int r = signal_send(t, &info, NULL);
    libc_point();
    return r;
}

int sigqueue(pid_t pid, int sig, const union sigval value)
{
    if (sig < 0 || sig >= NSIG) {
        return (int)libc_result(-EINVAL);
    }
    if (pid != getpid()) {
        return (int)libc_result(-ESRCH);
    }
    return sig == 0 ? 0 : (int)libc_result(send_value(NULL, sig, value));
}

int pthread_kill(pthread_t t, int sig)
{
    if (sig < 0 || sig >= NSIG) {
        return EINVAL;
    }
    signal_start();
    return sig == 0 ? 0 : -signal_send_simple((struct thread *)(uintptr_t)t, sig, SI_TKILL);
}

int pthread_sigqueue(pthread_t t, int sig, const union sigval value)
{
    if (sig < 0 || sig >= NSIG) {
        return EINVAL;
    }
    return sig == 0 ? 0 : -send_value((struct thread *)(uintptr_t)t, sig, value);
}
