/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of the C library's side that the rest of libos calls. */
#pragma once

#include <pthread.h>

/*
 * Start the C library and the program: constructors, environ, main(), then exit() with its result.
 * Context: the main thread, unmasked.
 */
_Noreturn void libc_start(void);

/*
 * pthread_mutex_lock() and pthread_cond_wait() for libos, which run no handler and end no thread: that
 * would happen with what else the caller holds taken, and with its work half done. `attention`
 * (pith/attention.h) is what ends the wait, by -EINTR; 0 for waits that end in any case. It returns 0
 * otherwise, also for nothing. Context: thread; libc_cond_wait() with the mutex, which is had again.
 */
void libc_mutex_lock(pthread_mutex_t *m);
int libc_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, unsigned attention);

/*
 * A write has found that nobody can read: SIGPIPE for the calling thread. A handler runs when the
 * program's call lets go of what it holds. Context: thread, no lock held; returns, or the program ends.
 */
void libc_broken_pipe(void);
