/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of signals: one bit each, that of signal 1 the lowest. */
#define _GNU_SOURCE /* sigorset() and its kin */
#include <errno.h>

#include "result.h"
#include "signal_impl.h"

int sigemptyset(sigset_t *set)
{
    *set = 0;
    return 0;
}

int sigfillset(sigset_t *set)
{
    *set = ~0ul;
    return 0;
}

int sigaddset(sigset_t *set, const int sig)
{
    if (!signal_is_valid(sig)) {
        return (int)libc_result(-EINVAL);
    }
    *set |= signal_bit(sig);
    return 0;
}

int sigdelset(sigset_t *set, const int sig)
{
    if (!signal_is_valid(sig)) {
        return (int)libc_result(-EINVAL);
    }
    *set &= ~signal_bit(sig);
    return 0;
}

int sigismember(const sigset_t *set, int sig)
{
    return signal_is_valid(sig) ? (*set & signal_bit(sig)) != 0 : (int)libc_result(-EINVAL);
}

int sigisemptyset(const sigset_t *set)
{
    return *set == 0;
}

int sigorset(sigset_t *out, const sigset_t *a, const sigset_t *b)
{
    *out = *a | *b;
    return 0;
}

int sigandset(sigset_t *out, const sigset_t *a, const sigset_t *b)
{
    *out = *a & *b;
    return 0;
}
