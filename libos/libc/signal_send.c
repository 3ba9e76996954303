/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending signals: to a thread, or to the process, which means to one that does not block it: the
 * oldest, so main's while it lives, as on Linux.
 */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include <pith/stop.h>

#include "signal_impl.h"

void (*signal_tell)(void);
void (*signal_tell_fd)(void);

static bool is_ignored(int sig)
{
    _sig_func_ptr handler = signal_actions[sig].sa_handler;
    return handler == SIG_IGN || (handler == SIG_DFL && signal_is_ignored_by_default(sig));
}

static bool takes(struct thread *t, void *arg)
{
    const struct thread_data *data = thread_libc(t);
    return data->of_program && (data->mask & *(const sigset_t *)arg) == 0;
}

static bool blocks(struct thread *t, void *arg)
{
    const struct thread_data *data = thread_libc(t);
    return data->of_program && (data->mask & *(const sigset_t *)arg) != 0;
}

/* SIGCONT takes back what would stop, and the other way round; POSIX, 2.4.1. */
static void cancel_out(struct signal_set *set, int sig)
{
    if (sig == SIGCONT) {
        signal_forget(set, SIGTSTP);
        signal_forget(set, SIGTTIN);
        signal_forget(set, SIGTTOU);
    } else if (signal_stops_by_default(sig)) {
        signal_forget(set, SIGCONT);
    }
}

int signal_send(struct thread *t, const siginfo_t *info, struct signal_entry *own)
{
    sigset_t bit = signal_bit(info->si_signo);
    struct thread *target = NULL;
    int r = 0;
    bool was = spin_lock(&signal_lock);
    bool blocked = t != NULL ? (((struct thread_data *)thread_libc(t))->mask & bit) != 0
                             : thread_find(blocks, &bit) != NULL;
    struct signal_set *set = t != NULL ? &((struct thread_data *)thread_libc(t))->pending
                                       : &signal_process;
    cancel_out(set, info->si_signo);
    bool drop = is_ignored(info->si_signo) && !blocked;
    if (!drop) {
        r = signal_enter(set, info, own);
        target = t != NULL ? (blocked ? NULL : t) : thread_find(takes, &bit);
    }
    spin_unlock(&signal_lock, was);
    if (target != NULL) {
        attention_raise(target, ATTENTION_SIGNAL);
    }
    if (!drop && blocked) {
        void (*tell)(void) = __atomic_load_n(&signal_tell, __ATOMIC_ACQUIRE);
        void (*tell_fd)(void) = __atomic_load_n(&signal_tell_fd, __ATOMIC_ACQUIRE);
        if (tell != NULL) {
            tell();
        }
        if (tell_fd != NULL) {
            tell_fd();
        }
    }
    return r;
}

int signal_send_simple(struct thread *t, int sig, int code)
{
    siginfo_t info = { .si_signo = sig, .si_code = code, .si_pid = getpid(), .si_uid = getuid() };
    if (t == NULL && sig == SIGKILL) {
        signal_act_by_default(sig);
    }
    if (signal_stops_by_default(sig) && signal_actions[sig].sa_handler == SIG_DFL) {
        return signal_refuse_stop(sig);
    }
    int r = signal_send(t, &info, NULL);
    libc_point(); /* one that comes to the caller has been handled when the call returns */
    return r;
}

void signal_broken_pipe(void)
{
    siginfo_t info = { .si_signo = SIGPIPE, .si_code = SI_USER, .si_pid = getpid() };
    signal_send(thread_current(), &info, NULL);
}

void signal_pass_on(sigset_t signals)
{
    for (sigset_t left = signals; left != 0; left &= left - 1) {
        sigset_t bit = left & -left;
        struct thread *t = thread_find(takes, &bit);
        if (t != NULL) {
            attention_raise(t, ATTENTION_SIGNAL);
        }
    }
}

/* Context: interrupt. */
static void host_asks(void)
{
    siginfo_t info = { .si_signo = SIGTERM, .si_code = SI_KERNEL };
    signal_send(NULL, &info, NULL);
}

void signal_from_host(void)
{
    stop_set_hook(host_asks);
}
