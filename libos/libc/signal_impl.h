/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of signal handling share. One lock (signal_lock) guards the actions, all sets of
 * pending signals and the masks; it is taken before threads_lock, and no attention is raised with it.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

#include <pith/spinlock.h>
#include <pith/thread.h>

#include "point.h"
#include "thread_data.h"

#define SIGNAL_FIRST_QUEUED 32 /* from here on each one sent is delivered; Linux: SIGRTMIN of the kernel */
#define SIGNALS_UNBLOCKABLE (signal_bit(SIGKILL) | signal_bit(SIGSTOP))
/* Those that a fault sends. */
#define SIGNALS_OF_FAULTS   (signal_bit(SIGSEGV) | signal_bit(SIGBUS) | signal_bit(SIGFPE) | \
                             signal_bit(SIGILL) | signal_bit(SIGTRAP) | signal_bit(SIGSYS))

static inline bool signal_is_valid(int sig)
{
    return sig > 0 && sig < NSIG;
}

static inline sigset_t signal_bit(int sig)
{
    return 1ul << (sig - 1);
}

/* What is known of a signal that waits. */
struct signal_entry {
    siginfo_t info;
    struct signal_entry *next;
    bool queued;        /* it is in a set */
    bool of_pool;       /* goes back there; else its memory is somebody's */
    unsigned overrun;   /* a timer's expirations while it was queued */
};

extern struct spinlock signal_lock;
extern struct sigaction signal_actions[NSIG]; /* SIG_DFL is 0 */
extern struct signal_set signal_process;      /* for any thread */

/* ---- signal.c: what is there without the rest ---- */

/* NULL until the program has done something with signals that the default does not cover. */
struct signal_ops {
    int (*send)(struct thread *t, int sig, int code); /* NULL: the process */
    void (*broken_pipe)(void); /* SIGPIPE, to be handled at the next point */
};
extern const struct signal_ops *signal_ops;

/* End, or nothing. Context: thread. */
void signal_act_by_default(int sig);
bool signal_is_ignored_by_default(int sig);
bool signal_stops_by_default(int sig);
int signal_refuse_stop(int sig); /* -ENOSYS, said once in the log */

/* ---- signal_pending.c ---- */

/*
 * Enter a signal; `own` may be the sender's own entry, not queued. Returns 0, -EAGAIN (a queued one,
 * and the room is used up). Context: signal_lock held.
 */
int signal_enter(struct signal_set *set, const siginfo_t *info, struct signal_entry *own);

/*
 * Take the first of `wanted` out, lowest number first; 0 when there is none. Context: signal_lock
 * held.
 */
int signal_take(struct signal_set *set, sigset_t wanted, siginfo_t *info);

/* The same of the calling thread's signals, then of the process's. Context: signal_lock held. */
int signal_take_own(sigset_t wanted, siginfo_t *info);

/* The same for a thread that asks for them, blocked or not. Context: thread, signal_lock not held. */
int signal_accept(sigset_t wanted, siginfo_t *info);

/* Forget all of one signal. Context: signal_lock held. */
void signal_forget(struct signal_set *set, int sig);

/* ---- signal_send.c ---- */

/*
 * Send to a thread, or (NULL) to the process. Errors: -EAGAIN. Context: any, unless t is NULL or
 * somebody else's: then t has to exist.
 */
int signal_send(struct thread *t, const siginfo_t *info, struct signal_entry *own);

/* The same, made up of the arguments that kill() has. */
int signal_send_simple(struct thread *t, int sig, int code);

/* SIGPIPE for the calling thread, at its next point. */
void signal_broken_pipe(void);

/* Let it be known that there is a program that wants signals. Context: thread. */
void signal_start(void);

/* Have the host's request for an end arrive as SIGTERM. */
void signal_from_host(void);

/* Find threads for those signals of the process that this one can't have now. Context: thread. */
void signal_pass_on(sigset_t signals);

/* ---- signal_wait.c ---- */

/* Somebody who waits for a blocked signal may have it now. Context: any, signal_lock not held. */
extern void (*signal_tell)(void);   /* sigwait() */
extern void (*signal_tell_fd)(void); /* signalfd() */

/* ---- signal_deliver.c ---- */

/* Set the calling thread's mask. Context: thread. */
void signal_set_mask(sigset_t mask);

/*
 * A mask for the time of one call: the first handler that runs under it puts the one before back, as
 * sigsuspend() and ppoll() have it, or else the end of the call.
 */
void signal_set_mask_for_call(sigset_t mask);
void signal_end_mask_for_call(void);

/* Whether a signal is due, into the thread's attention. Context: signal_lock held, its thread. */
void signal_update(struct thread_data *data);

/* Call a handler on the stack that it wants, with its mask; `u` is complete but for mask and stack. */
void signal_call(const struct sigaction *a, siginfo_t *info, ucontext_t *u, bool on_alternate);

/* Enter a handler: the mask that it runs under; returns the one before. Context: signal_lock held. */
sigset_t signal_mask_for(const struct sigaction *a, int sig);

/* Whether sp lies on the thread's alternate stack. */
static inline bool signal_on_alternate(const struct thread_data *data, uintptr_t sp)
{
    return sp - (uintptr_t)data->alternate.ss_sp < data->alternate.ss_size;
}

/* ---- signal_fault.c ---- */

/* From now on handlers get the faults of the CPU. Context: any. */
void signal_take_faults(void);
