/* SPDX-License-Identifier: BSD-2-Clause */
/* Log lines on the console, with the time since boot in front. */
#include <pith/log.h>

#include <pith/cmdline.h>
#include <pith/platform.h>

#include "cold.h"

#define NS_PER_US 1000u
#define US_PER_S  1000000u

enum log_level log_level = LOG_WARNING;

COLD void log_init(void)
{
    uint64_t level = cmdline_get_u64("loglevel", LOG_WARNING);
    log_level = level > LOG_DEBUG ? LOG_DEBUG : (enum log_level)level;
}

COLD void klog(enum log_level level, const char *fmt, ...)
{
    char line[LOG_LINE_MAX];
    va_list ap;

    if (level > log_level) {
        return;
    }
    uint64_t us = platform_clock_ns() / NS_PER_US;
    size_t len = (size_t)log_format(line, sizeof(line), "[%5lu.%06lu] ", us / US_PER_S,
                                    us % US_PER_S);
    va_start(ap, fmt);
    len += (size_t)log_vformat(line + len, sizeof(line) - len, fmt, ap);
    va_end(ap);
    if (len > sizeof(line) - 1) {
        len = sizeof(line) - 1;
    }
    /* The newline takes the place of the terminator: one write, so that lines don't mix. */
    line[len] = '\n';
    platform_console_write(line, len + 1);
}

COLD void log_raw(const char *fmt, ...)
{
    char text[LOG_LINE_MAX];
    va_list ap;

    va_start(ap, fmt);
    size_t len = (size_t)log_vformat(text, sizeof(text), fmt, ap);
    va_end(ap);
    platform_console_write(text, len < sizeof(text) ? len : sizeof(text) - 1);
}
