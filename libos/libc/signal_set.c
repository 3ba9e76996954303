/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handlers and masks: signal() as on Linux and the BSDs (the handler stays), sigaction(),
 * sigprocmask() and pthread_sigmask().
 *
 * There is one mask, the main thread's. What other threads set is accepted and has no effect: a
 * program that blocks signals in its workers wants them delivered elsewhere, and they are.
 */
#include <errno.h>
#include <stddef.h>

#include <pith/thread.h>

#include "result.h"
#include "signal_impl.h"

#define MAIN_THREAD 1u /* thread_id() of the first one */

static int set_action(int sig, const struct sigaction *new, struct sigaction *old)
{
    if (!signal_is_valid(sig) || (new != NULL && (sig == SIGKILL || sig == SIGSTOP))) {
        return -EINVAL;
    }
    if (sig == SIGTERM && new != NULL && new->sa_handler != SIG_DFL) {
        int r = signal_from_host();
        if (r < 0) {
            return r;
        }
    }
    signal_action(sig, new, old);
    return 0;
}

_sig_func_ptr signal(int sig, _sig_func_ptr handler)
{
    struct sigaction new = { .sa_flags = SA_RESTART }, old;
    new.sa_handler = handler;
    int r = set_action(sig, &new, &old);
    if (r < 0) {
        errno = -r;
        return SIG_ERR;
    }
    return old.sa_handler;
}

int sigaction(int sig, const struct sigaction *new, struct sigaction *old)
{
    return (int)libc_result(set_action(sig, new, old));
}

/* Returns 0 or -errno. */
static int change_mask(int how, const sigset_t *set, sigset_t *old)
{
    if (thread_id(thread_current()) == MAIN_THREAD) {
        return signal_change_mask(how, set, old);
    }
    if (set != NULL && how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK) {
        return -EINVAL;
    }
    return signal_change_mask(SIG_BLOCK, NULL, old);
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    return (int)libc_result(change_mask(how, set, old));
}

int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    return -change_mask(how, set, old);
}

int sigpending(sigset_t *set)
{
    *set = signal_held_back();
    return 0;
}
