/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages about errors on stderr, in the words of err(3). */
#define _GNU_SOURCE /* program_invocation_short_name */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The lock is held over all of it, so that two threads' messages don't mix. */
static void message(int error, const char *format, va_list ap)
{
    fflush(stdout);
    flockfile(stderr);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    if (format != NULL) {
        vfprintf(stderr, format, ap);
    }
    if (error >= 0) {
        fprintf(stderr, "%s%s", format != NULL ? ": " : "", strerror(error));
    }
    putc('\n', stderr);
    funlockfile(stderr);
}

void vwarn(const char *format, va_list ap)
{
    message(errno, format, ap);
}

void vwarnx(const char *format, va_list ap)
{
    message(-1, format, ap);
}

void warn(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    message(errno, format, ap);
    va_end(ap);
}

void warnx(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    message(-1, format, ap);
    va_end(ap);
}

_Noreturn void verr(int status, const char *format, va_list ap)
{
    message(errno, format, ap);
    exit(status);
}

_Noreturn void verrx(int status, const char *format, va_list ap)
{
    message(-1, format, ap);
    exit(status);
}

_Noreturn void err(int status, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    verr(status, format, ap);
}

_Noreturn void errx(int status, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    verrx(status, format, ap);
}
