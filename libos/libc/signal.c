/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending signals within the program: raise(), kill(), and what the default actions are.
 *
 * One table and one mask for the whole program, where newlib has a table per thread. A handler runs
 * as a call in the thread that raises, or in one of its own when the signal comes from the host.
 */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include <pith/exit.h>
#include <pith/panic.h>
#include <pith/spinlock.h>

#include "signal_impl.h"

/* All three below. No other lock is taken inside. */
static struct spinlock lock = SPINLOCK_INIT;
static struct sigaction actions[NSIG]; /* SIG_DFL is 0 */
static sigset_t blocked, pending;

void signal_action(int sig, const struct sigaction *new, struct sigaction *old)
{
    bool was = spin_lock(&lock);
    struct sigaction before = actions[sig];
    if (new != NULL) {
        actions[sig] = *new;
    }
    spin_unlock(&lock, was);
    if (old != NULL) {
        *old = before;
    }
}

/*
 * What POSIX calls the default action: end, or nothing. Stopping is no option for the only process
 * of the machine. An end by signal has the status that a shell shows for one, 128 + number; those
 * that say "a bug" give a crash report.
 */
static void act_by_default(int sig)
{
    switch (sig) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
    case SIGCONT:
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
        return;
    case SIGABRT:
        PANIC("abort() called");
    case SIGQUIT:
    case SIGILL:
    case SIGTRAP:
    case SIGEMT:
    case SIGFPE:
    case SIGBUS:
    case SIGSEGV:
    case SIGSYS:
        PANIC("the program raised signal %d", sig);
    default:
        program_exit(128 + sig);
    }
}

/* Unblocked now: run the handler. The signals that its sa_mask names may interrupt it all the same. */
static void act(int sig)
{
    bool was = spin_lock(&lock);
    struct sigaction a = actions[sig];
    if ((a.sa_flags & SA_RESETHAND) && a.sa_handler != SIG_IGN) {
        actions[sig] = (struct sigaction){ .sa_flags = 0 };
    }
    spin_unlock(&lock, was);
    if (a.sa_handler == SIG_IGN) {
        return;
    }
    if (a.sa_handler == SIG_DFL) {
        act_by_default(sig);
    } else if (a.sa_flags & SA_SIGINFO) {
        siginfo_t info = { .si_signo = sig, .si_code = SI_USER };
        a.sa_sigaction(sig, &info, NULL);
    } else {
        a.sa_handler(sig);
    }
}

void signal_send(int sig)
{
    bool was = spin_lock(&lock);
    bool held = blocked >> sig & 1;
    if (held) {
        pending |= 1UL << sig;
    }
    spin_unlock(&lock, was);
    if (!held) {
        act(sig);
    }
}

sigset_t signal_held_back(void)
{
    return __atomic_load_n(&pending, __ATOMIC_RELAXED);
}

int signal_change_mask(int how, const sigset_t *set, sigset_t *old)
{
    bool was = spin_lock(&lock);
    sigset_t before = blocked, next = blocked;
    int r = 0;
    if (set != NULL) {
        switch (how) {
        case SIG_BLOCK: next |= *set; break;
        case SIG_UNBLOCK: next &= ~*set; break;
        case SIG_SETMASK: next = *set; break;
        default: r = -EINVAL; break;
        }
    }
    blocked = next & ~(1UL << SIGKILL | 1UL << SIGSTOP);
    sigset_t due = pending & ~blocked;
    pending &= blocked;
    spin_unlock(&lock, was);
    if (old != NULL && r == 0) {
        *old = before;
    }
    for (int sig = 1; due != 0 && sig < NSIG; sig++) {
        if (due >> sig & 1) {
            act(sig);
        }
    }
    return r;
}

int raise(int sig)
{
    if (!signal_is_valid(sig)) {
        errno = EINVAL;
        return -1;
    }
    signal_send(sig);
    return 0;
}

/* There is one process, 1; its group is 0 and it is also all that -1 reaches. */
int kill(pid_t pid, int sig)
{
    if (pid != getpid() && pid != 0 && pid != -1) {
        errno = ESRCH;
        return -1;
    }
    return sig == 0 ? 0 : raise(sig);
}
