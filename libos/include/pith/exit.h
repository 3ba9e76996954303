/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of the machine, and the exit status on its way to the host. */
#pragma once

#include <stdbool.h>

/*
 * Say `[pith-WHAT NONCE WORD]` on a line of its own to `pith run`, which takes it out of the
 * output. Returns whether there is one that listens: without a nonce nothing is said. Context: any.
 */
bool machine_tell(const char *what, const char *word);

/*
 * End the machine with the program's exit status (its low 8 bits). The last console line tells it
 * to `pith run` as `[pith-exit NONCE STATUS]` when the command line has a nonce, so that program
 * output can't be taken for it. Buffers of the C library are its own business. Context: any.
 */
_Noreturn void machine_exit(int status);

/*
 * The program has ended, by exit() or by a signal: run the hooks, once, then machine_exit(). A second
 * thread that comes here while they run ends the machine at once. Context: thread, unmasked.
 */
_Noreturn void program_exit(int status);

/*
 * Have `hook` run at the program's end, in the order in which they were added; a second time is
 * nothing. There are two: the network's (what was sent has to leave the machine) and that of shared
 * mappings (they are written back). A hook may sleep, with a bound of its own. Context: any.
 */
#define PROGRAM_EXIT_HOOKS 2
void program_add_exit_hook(void (*hook)(void));

/*
 * The same for the one hook that runs behind all of those: that of file systems on disks, into which
 * the others may still write. Context: any.
 */
void program_add_last_hook(void (*hook)(void));

/* The same for the end of a crash report: the line says `crash`. Context: any. */
_Noreturn void machine_crash(void);
