/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals that the program sends to itself: signal(), raise(), kill().
 *
 * One table for the whole program, where newlib's has one per thread. A handler runs as a call in
 * the thread that raises. It stays, as with BSD's and glibc's signal(): a server's handler of SIGPIPE
 * would else be good for one broken connection.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <pith/panic.h>
#include <pith/exit.h>

static _sig_func_ptr handlers[NSIG]; /* atomic; SIG_DFL is NULL */

static int is_signal(int sig)
{
    return sig > 0 && sig < NSIG;
}

_sig_func_ptr signal(int sig, _sig_func_ptr handler)
{
    if (!is_signal(sig) || sig == SIGKILL || sig == SIGSTOP) {
        errno = EINVAL;
        return SIG_ERR;
    }
    return __atomic_exchange_n(&handlers[sig], handler, __ATOMIC_ACQ_REL);
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
        machine_exit(128 + sig);
    }
}

int raise(int sig)
{
    if (!is_signal(sig)) {
        errno = EINVAL;
        return -1;
    }
    _sig_func_ptr handler = __atomic_load_n(&handlers[sig], __ATOMIC_ACQUIRE);
    if (handler == SIG_IGN) {
        return 0;
    }
    if (handler == SIG_DFL) {
        act_by_default(sig);
        return 0;
    }
    handler(sig);
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
