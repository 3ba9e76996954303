/* SPDX-License-Identifier: BSD-2-Clause */
/* The end without cleaning up. exit() is newlib's: handlers, then stdio, then this. */
#include <stdlib.h>
#include <unistd.h>

#include <pith/exit.h>

void _exit(int status)
{
    program_exit(status & 0xff);
}

void _Exit(int status)
{
    program_exit(status & 0xff);
}
