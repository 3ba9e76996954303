/* SPDX-License-Identifier: BSD-2-Clause */
/* What the C library keeps in each thread, in the room that libos/core has set aside for it. */
#pragma once

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include <pith/thread.h>

struct signal_entry;

/* Signals that wait; under the lock of signal_pending.c. */
struct signal_set {
    sigset_t bits;
    struct signal_entry *first; /* what is known of each, oldest first */
};

struct thread_data {
    bool of_program; /* main's or from pthread_create(): the program lives as long as these */
    bool cancel_off;      /* PTHREAD_CANCEL_DISABLE; its own */
    bool cancel_wanted;   /* pthread_cancel() was called; atomic */
    bool keeps_mask;
    bool leaving;         /* ends already: is not cancelled any more; its own */
    unsigned library_locks; /* of newlib, held; its own */
    struct __pthread_cleanup *cleanup; /* handlers pushed and not popped, the last one first */
    sigset_t mask;        /* changed by the thread itself, under that lock */
    sigset_t kept_mask;   /* the mask outside of ppoll() and its kin; its own */
    struct signal_set pending;
    stack_t alternate;    /* sigaltstack(); ss_size 0: none; its own */
};

_Static_assert(sizeof(struct thread_data) <= THREAD_LIBC_SIZE, "room for it in a thread");

static inline struct thread_data *thread_data(void)
{
    return thread_libc(thread_current());
}
