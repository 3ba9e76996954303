/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * raise() and kill(), and what the default actions are: all that an image contains whose program
 * does nothing else with signals.
 */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include <pith/exit.h>
#include <pith/libc.h>
#include <pith/log.h>
#include <pith/panic.h>

#include "result.h"
#include "signal_impl.h"

const struct signal_ops *signal_ops; /* atomic */

bool signal_is_ignored_by_default(int sig)
{
    return sig == SIGCHLD || sig == SIGURG || sig == SIGWINCH || sig == SIGCONT;
}

bool signal_stops_by_default(int sig)
{
    return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/*
 * An end by signal has the status that a shell shows for one, 128 + number; those that say "a bug"
 * give a crash report.
 */
void signal_act_by_default(int sig)
{
    if (signal_is_ignored_by_default(sig) || signal_stops_by_default(sig)) {
        return;
    }
    switch (sig) {
    case SIGABRT:
        PANIC("abort() called");
    case SIGQUIT:
    case SIGILL:
    case SIGTRAP:
    case SIGFPE:
    case SIGBUS:
    case SIGSEGV:
    case SIGSYS:
    case SIGXCPU:
    case SIGXFSZ:
        PANIC("the program raised signal %d", sig);
    default:
        program_exit(128 + sig);
    }
}

/* The only process of the machine can't be stopped: nobody would be there to continue it. */
int signal_refuse_stop(int sig)
{
    static bool said; /* atomic */
    if (!__atomic_exchange_n(&said, true, __ATOMIC_RELAXED)) {
        klog(LOG_WARNING, "signals: the program can't be stopped (signal %d), there is nobody else",
             sig);
    }
    return -ENOSYS;
}

static int send(struct thread *t, int sig, int code)
{
    if (!signal_is_valid(sig)) {
        return sig == 0 && t == NULL ? 0 : -EINVAL;
    }
    const struct signal_ops *ops = __atomic_load_n(&signal_ops, __ATOMIC_ACQUIRE);
    if (sig == SIGSTOP || (ops == NULL && signal_stops_by_default(sig))) {
        return signal_refuse_stop(sig);
    }
    if (ops != NULL) {
        return ops->send(t, sig, code);
    }
    signal_act_by_default(sig);
    return 0;
}

int raise(int sig)
{
    return sig == 0 ? 0 : (int)libc_result(send(thread_current(), sig, SI_TKILL));
}

void libc_broken_pipe(void)
{
    const struct signal_ops *ops = __atomic_load_n(&signal_ops, __ATOMIC_ACQUIRE);
    if (ops != NULL) {
        ops->broken_pipe();
    } else {
        signal_act_by_default(SIGPIPE);
    }
}

/* There is one process, 1; its group is 0 and it is also all that -1 reaches. */
int kill(pid_t pid, int sig)
{
    if (sig < 0 || sig >= NSIG) {
        return (int)libc_result(-EINVAL);
    }
    if (pid != getpid() && pid != 0 && pid != -1 && pid != -getpid()) {
        return (int)libc_result(-ESRCH);
    }
    return (int)libc_result(send(NULL, sig, SI_USER));
}

int killpg(pid_t group, int sig)
{
    return group < 0 ? (int)libc_result(-EINVAL) : kill(group == 0 ? 0 : -group, sig);
}
