/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of the C library's side that the rest of libos calls. */
#pragma once

/*
 * Start the C library and the program: constructors, environ, main(), then exit() with its result.
 * Context: the main thread, unmasked.
 */
_Noreturn void libc_start(void);

/*
 * A write has found that nobody can read: SIGPIPE for the calling thread. A handler runs when the
 * program's call lets go of what it holds. Context: thread, no lock held; returns, or the program ends.
 */
void libc_broken_pipe(void);
