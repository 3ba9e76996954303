/* SPDX-License-Identifier: BSD-2-Clause */
/* Actions, masks, what is pending, the alternate stack. */
#include <errno.h>
#include <stddef.h>

#include "result.h"
#include "signal_impl.h"

#define KNOWN_FLAGS (SA_NOCLDSTOP | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | \
                     SA_RESETHAND | SA_NOCLDWAIT)

static int set_action(int sig, const struct sigaction *new, struct sigaction *old)
{
    if (!signal_is_valid(sig) || (new != NULL && (sig == SIGKILL || sig == SIGSTOP))) {
        return -EINVAL;
    }
    signal_start();
    if (sig == SIGTERM && new != NULL && new->sa_handler != SIG_DFL) {
        signal_from_host();
    }
    bool was = spin_lock(&signal_lock);
    struct sigaction before = signal_actions[sig];
    if (new != NULL) {
        signal_actions[sig] = *new;
        signal_actions[sig].sa_flags &= KNOWN_FLAGS;
        /* POSIX: what is pending and ignored from now on is forgotten. */
        if (new->sa_handler == SIG_IGN ||
            (new->sa_handler == SIG_DFL && signal_is_ignored_by_default(sig))) {
            signal_forget(&signal_process, sig);
            signal_forget(&thread_data()->pending, sig);
        }
    }
    spin_unlock(&signal_lock, was);
    if (old != NULL) {
        *old = before;
    }
    return 0;
}

_sig_func_ptr signal(int sig, _sig_func_ptr handler)
{
    struct sigaction new = { .sa_flags = SA_RESTART }, old;
    new.sa_handler = handler;
    int r = handler == SIG_ERR ? -EINVAL : set_action(sig, &new, &old);
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

int siginterrupt(int sig, int on)
{
    struct sigaction a;
    int r = set_action(sig, NULL, &a);
    if (r == 0) {
        a.sa_flags = on ? a.sa_flags & ~SA_RESTART : a.sa_flags | SA_RESTART;
        r = set_action(sig, &a, NULL);
    }
    return (int)libc_result(r);
}

/* Returns 0 or -errno. What is due by it has been handled on return. */
static int change_mask(int how, const sigset_t *set, sigset_t *old)
{
    sigset_t before = thread_data()->mask, next = before;
    if (set != NULL) {
        switch (how) {
        case SIG_BLOCK: next |= *set; break;
        case SIG_UNBLOCK: next &= ~*set; break;
        case SIG_SETMASK: next = *set; break;
        default: return -EINVAL;
        }
        signal_start();
        if (next & ~before & signal_bit(SIGTERM)) {
            signal_from_host(); /* for sigwait() and signalfd() */
        }
        signal_set_mask(next);
    }
    if (old != NULL) {
        *old = before;
    }
    libc_point();
    return 0;
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
    struct thread_data *data = thread_data();
    if (set == NULL) {
        return (int)libc_result(-EFAULT);
    }
    bool was = spin_lock(&signal_lock);
    *set = (data->pending.bits | signal_process.bits) & data->mask;
    spin_unlock(&signal_lock, was);
    return 0;
}

int sigaltstack(const stack_t *restrict new, stack_t *restrict old)
{
    struct thread_data *data = thread_data();
    bool is_on = signal_on_alternate(data, (uintptr_t)__builtin_frame_address(0));
    stack_t before = data->alternate;
    before.ss_flags = before.ss_size == 0 ? SS_DISABLE : is_on ? SS_ONSTACK : 0;
    if (new != NULL) {
        if (is_on) {
            return (int)libc_result(-EPERM);
        }
        if ((new->ss_flags & ~(SS_DISABLE | SS_ONSTACK)) != 0) {
            return (int)libc_result(-EINVAL);
        }
        if (!(new->ss_flags & SS_DISABLE) && new->ss_size < MINSIGSTKSZ) {
            return (int)libc_result(-ENOMEM);
        }
        data->alternate = new->ss_flags & SS_DISABLE ? (stack_t){ .ss_sp = NULL } : *new;
    }
    if (old != NULL) {
        *old = before;
    }
    return 0;
}
