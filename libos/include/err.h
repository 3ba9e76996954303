/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages about errors on stderr, err(3): "NAME: text: what errno says". */
#pragma once

#include <stdarg.h>
#include <sys/cdefs.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Those with an x leave errno out; err... end the program with `status`. */
void warn(const char *format, ...) __printflike(1, 2);
void warnx(const char *format, ...) __printflike(1, 2);
void vwarn(const char *format, va_list ap) __printflike(1, 0);
void vwarnx(const char *format, va_list ap) __printflike(1, 0);
_Noreturn void err(int status, const char *format, ...) __printflike(2, 3);
_Noreturn void errx(int status, const char *format, ...) __printflike(2, 3);
_Noreturn void verr(int status, const char *format, va_list ap) __printflike(2, 0);
_Noreturn void verrx(int status, const char *format, va_list ap) __printflike(2, 0);

#ifdef __cplusplus
}
#endif
