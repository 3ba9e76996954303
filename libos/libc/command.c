/* SPDX-License-Identifier: BSD-2-Clause */
/* system() and popen(): there is no shell, and no command that it could start. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "process_refuse.h"

static int refuse(const char *call)
{
    static bool told; /* atomic */
    return process_refuse(call, "a library that does what the command would", &told);
}

/* C11 7.22.4.8: with NULL the question is whether there is a command processor. */
int system(const char *command)
{
    return command == NULL ? 0 : refuse("system");
}

FILE *popen(const char *command, const char *mode)
{
    (void)command;
    (void)mode;
    (void)refuse("popen");
    return NULL;
}

int pclose(FILE *stream)
{
    (void)stream;
    return (int)libc_result(-ECHILD);
}
