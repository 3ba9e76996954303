/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line: `option=value ... -- program arguments`.
 *
 * Words are separated by blanks; "..." and '...' keep blanks, a backslash keeps the next character.
 * Before ` -- ` stand Pith's options, after it the program's arguments. The text is the host's: any
 * bytes are survived, control characters separate words.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CMDLINE_MAX_ARGS 64
#define CMDLINE_MAX_ENV  64

/* Split it; keeps its own copy. What does not fit is dropped and logged. */
void cmdline_init(const char *text);

/*
 * The value of option `name` ("" for a bare word), or NULL when it isn't there. The last one
 * counts.
 */
const char *cmdline_get(const char *name);

/*
 * The value of the next option `name` behind one that this function has returned (NULL: the first),
 * for options that may be given several times; NULL when there is no other.
 */
const char *cmdline_next(const char *name, const char *previous);

/* As a number (decimal, 0x..., suffix K, M, G); `fallback` when absent or malformed. */
uint64_t cmdline_get_u64(const char *name, uint64_t fallback);

/* The program's arguments: argv[0] is the option `name=`, else "pith"; NULL-terminated. */
int cmdline_argc(void);
char **cmdline_argv(void);

/* `env.NAME=VALUE` options as "NAME=VALUE" strings, the last one of a name; NULL-terminated. */
char **cmdline_environ(void);
