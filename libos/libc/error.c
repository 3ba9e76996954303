/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages about errors on stderr, in the words of glibc's error(3). */
#define _GNU_SOURCE /* program_invocation_name */
#include <errno.h>
#include <error.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned error_message_count; /* glibc does not guard it either */
int error_one_per_line;
void (*error_print_progname)(void);

static void message(int status, int error, const char *file, unsigned line, const char *format,
                    va_list ap)
{
    fflush(stdout);
    flockfile(stderr);
    if (error_print_progname != NULL) {
        error_print_progname();
    } else {
        fprintf(stderr, "%s:%s", program_invocation_name, file != NULL ? "" : " ");
    }
    if (file != NULL) {
        fprintf(stderr, "%s:%u: ", file, line);
    }
    vfprintf(stderr, format, ap);
    error_message_count++;
    if (error != 0) {
        fprintf(stderr, ": %s", strerror(error));
    }
    putc('\n', stderr);
    funlockfile(stderr);
    fflush(stderr);
    if (status != 0) {
        exit(status);
    }
}

void error(int status, int errnum, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    message(status, errnum, NULL, 0, format, ap);
    va_end(ap);
}

void error_at_line(int status, int errnum, const char *file, unsigned line, const char *format, ...)
{
    static const char *last_file;
    static unsigned last_line;
    if (error_one_per_line != 0) {
        if (last_line == line && (last_file == file || (last_file != NULL && file != NULL &&
                                                        strcmp(last_file, file) == 0))) {
            return;
        }
        last_file = file;
        last_line = line;
    }
    va_list ap;
    va_start(ap, format);
    message(status, errnum, file, line, format, ap);
    va_end(ap);
}
