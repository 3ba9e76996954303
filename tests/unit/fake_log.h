/* SPDX-License-Identifier: BSD-2-Clause */
/* The log of what is tested: lines are counted by level, text is the host's printf(). Included once. */
#pragma once

#include <stdarg.h>
#include <stdio.h>

#include <pith/log.h>

static unsigned errors_logged, warnings_logged;

void klog(enum log_level level, const char *fmt, ...)
{
    (void)fmt;
    errors_logged += level == LOG_ERROR;
    warnings_logged += level == LOG_WARNING;
}

int log_format(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}
