/* SPDX-License-Identifier: BSD-2-Clause */
/* error(3) of glibc: a message on stderr, and the end of the program when status is not 0. */
#pragma once

#include <sys/cdefs.h>

#ifdef __cplusplus
extern "C" {
#endif

extern unsigned error_message_count;     /* how many there were */
extern int error_one_per_line;           /* nonzero: one message per line of a file */
extern void (*error_print_progname)(void); /* not NULL: prints what messages begin with */

void error(int status, int errnum, const char *format, ...) __printflike(3, 4);
void error_at_line(int status, int errnum, const char *file, unsigned line, const char *format, ...)
    __printflike(5, 6);

#ifdef __cplusplus
}
#endif
