/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: lines of libos and the platform on the console, with the time since boot.
 *
 * The formatter is small: %s %c %d %u %x %p %% with l, ll, z, 0, '-', width, '*' and a precision
 * for %s. It uses no FP register, so it works in interrupts and crash reports. Levels: the command
 * line's `loglevel=` (0 errors .. 3 debug; default 1).
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

#define LOG_LINE_MAX 256 /* bytes of one line with its prefix; what is longer is cut */

extern enum log_level log_level;

/* Take `loglevel=` from the command line; until then warnings and errors are shown. */
void log_init(void);

/* One line without its newline. Context: any. */
void klog(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The formatter: like vsnprintf; returns the length it wanted. Context: any. */
int log_vformat(char *buf, size_t size, const char *fmt, va_list ap);
int log_format(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Raw console output without prefix or newline, for crash reports. */
void log_raw(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
