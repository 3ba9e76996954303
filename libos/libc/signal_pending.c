/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets of signals that wait, with what is known of each.
 *
 * Of the classic signals one waits at a time; of those from SIGRTMIN on each that was sent, in
 * order (POSIX 2.4.1). Entries come from a small pool, so that interrupt handlers can send; a classic
 * signal gets through without one and is then known by its number alone, as on Linux.
 */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "signal_impl.h"

#define POOL 128u

struct spinlock signal_lock = SPINLOCK_INIT;
struct sigaction signal_actions[NSIG];
struct signal_set signal_process;

static struct signal_entry pool[POOL]; /* signal_lock */
static struct signal_entry *unused;
static unsigned used_once;

static struct signal_entry *get(void)
{
    struct signal_entry *e = unused;
    if (e != NULL) {
        unused = e->next;
    } else if (used_once < POOL) {
        e = &pool[used_once++];
        e->of_pool = true;
    }
    return e;
}

static void put(struct signal_entry *e)
{
    e->queued = false;
    if (e->of_pool) {
        e->next = unused;
        unused = e;
    }
}

int signal_enter(struct signal_set *set, const siginfo_t *info, struct signal_entry *own)
{
    int sig = info->si_signo;
    if (sig < SIGNAL_FIRST_QUEUED && (set->bits & signal_bit(sig)) != 0) {
        return 0;
    }
    struct signal_entry *e = own != NULL ? own : get();
    if (e == NULL && sig >= SIGNAL_FIRST_QUEUED) {
        return -EAGAIN;
    }
    set->bits |= signal_bit(sig);
    if (e != NULL) {
        e->info = *info;
        e->queued = true;
        e->overrun = own != NULL ? (unsigned)info->si_overrun : 0; /* a timer that is late already */
        e->next = NULL;
        struct signal_entry **at = &set->first;
        while (*at != NULL) {
            at = &(*at)->next;
        }
        *at = e;
    }
    return 0;
}

/* Take the oldest entry of a signal out; whether there is another one. */
static bool take_entry(struct signal_set *set, int sig, siginfo_t *info)
{
    bool found = false;
    for (struct signal_entry **at = &set->first; *at != NULL;) {
        struct signal_entry *e = *at;
        if (e->info.si_signo != sig) {
            at = &e->next;
        } else if (found) {
            return true;
        } else {
            found = true;
            *at = e->next;
            *info = e->info;
            info->si_overrun = (int)e->overrun;
            put(e);
        }
    }
    return false;
}

int signal_take(struct signal_set *set, sigset_t wanted, siginfo_t *info)
{
    sigset_t due = set->bits & wanted;
    if (due == 0) {
        return 0;
    }
    /* A fault that the program has sent itself comes before what may explain it. */
    sigset_t first = due & SIGNALS_OF_FAULTS ? due & SIGNALS_OF_FAULTS : due;
    int sig = __builtin_ctzl(first) + 1;
    *info = (siginfo_t){ .si_signo = sig, .si_code = SI_USER };
    if (!take_entry(set, sig, info)) {
        set->bits &= ~signal_bit(sig);
    }
    return sig;
}

int signal_take_own(sigset_t wanted, siginfo_t *info)
{
    int sig = signal_take(&thread_data()->pending, wanted, info);
    return sig != 0 ? sig : signal_take(&signal_process, wanted, info);
}

int signal_accept(sigset_t wanted, siginfo_t *info)
{
    bool was = spin_lock(&signal_lock);
    int sig = signal_take_own(wanted, info);
    signal_update(thread_data());
    spin_unlock(&signal_lock, was);
    return sig;
}

void signal_forget(struct signal_set *set, int sig)
{
    siginfo_t info;
    while (set->bits & signal_bit(sig)) {
        signal_take(set, signal_bit(sig), &info);
    }
}
