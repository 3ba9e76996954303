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

/* The same for the end of a crash report: the line says `crash`. Context: any. */
_Noreturn void machine_crash(void);
