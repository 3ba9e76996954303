/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of signal handling share: the table of actions and the main thread's mask. */
#pragma once

#include <signal.h>
#include <stdbool.h>

static inline bool signal_is_valid(int sig)
{
    return sig > 0 && sig < NSIG;
}

/* Read, and where `new` isn't NULL replace, the action of a signal. Context: any. */
void signal_action(int sig, const struct sigaction *new, struct sigaction *old);

/* Send it to the program: act now, or note it while it is blocked. Context: thread. */
void signal_send(int sig);

/*
 * Have the host's request for an end arrive as SIGTERM, on a thread of its own that this starts.
 * Errors: -ENOMEM. Context: thread.
 */
int signal_from_host(void);

/* Change the mask (`how` as for sigprocmask()) and send what it held back. Errors: -EINVAL. */
int signal_change_mask(int how, const sigset_t *set, sigset_t *old);

/* What is held back. */
sigset_t signal_held_back(void);
