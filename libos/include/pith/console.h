/* SPDX-License-Identifier: BSD-2-Clause */
/* What isatty() asks about the console. */
#pragma once

#include <stdbool.h>

/*
 * Whether descriptor `fd`, which refers to the console, counts as a terminal. Not for standard
 * input that `pith run` feeds from a file or pipe (`stdin=framed`). Context: any.
 */
bool console_is_tty(int fd);
