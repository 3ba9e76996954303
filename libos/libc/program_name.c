/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program's name, as glibc's messages have it; start.c sets it. A member of its own, because
 * programs may bring theirs.
 */
#define _GNU_SOURCE
#include <errno.h>

char *program_invocation_name;
char *program_invocation_short_name;
