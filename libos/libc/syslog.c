/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syslog(): lines on the console, "NAME[PID] PRIORITY: text", each written at once so that they
 * don't mix. The facility is not told.
 */
#include <syslog.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <pith/file.h>
#include <pith/libc.h>

#define LINE_MAX_BYTES 1024

static const char *const words[] = { "emerg", "alert", "crit", "err", "warning", "notice", "info",
                                     "debug" };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what follows */
static const char *name = "program";
static int options, mask = LOG_UPTO(LOG_DEBUG);

void openlog(const char *given, int new_options, int facility)
{
    (void)facility;
    libc_mutex_lock(&lock);
    name = given != NULL ? given : "program";
    options = new_options;
    pthread_mutex_unlock(&lock);
}

void closelog(void)
{
}

int setlogmask(int new_mask)
{
    libc_mutex_lock(&lock);
    int old = mask;
    mask = new_mask != 0 ? new_mask : mask;
    pthread_mutex_unlock(&lock);
    return old;
}

/* The format with %m put in, as text that printf() leaves alone. */
static void expand(const char *format, const char *error, char *out, size_t size)
{
    size_t n = 0;
    while (*format != '\0' && n + 3 < size) {
        if (format[0] == '%' && format[1] == 'm') {
            for (const char *e = error; *e != '\0' && n + 3 < size; e++) {
                out[n++] = *e;
                if (*e == '%') {
                    out[n++] = '%';
                }
            }
            format += 2;
            continue;
        }
        bool pair = format[0] == '%' && format[1] != '\0'; /* %% stays together */
        out[n++] = *format++;
        if (pair) {
            out[n++] = *format++;
        }
    }
    out[n] = '\0';
}

void vsyslog(int priority, const char *format, va_list ap)
{
    char line[LINE_MAX_BYTES], text[LINE_MAX_BYTES];
    int error = errno, level = LOG_PRI(priority);
    libc_mutex_lock(&lock);
    if ((mask & LOG_MASK(level)) != 0) {
        char pid[16] = "";
        if (options & LOG_PID) {
            snprintf(pid, sizeof(pid), "[%d]", (int)getpid());
        }
        int n = snprintf(line, sizeof(line), "%.64s%s %s: ", name, pid, words[level]);
        expand(format, strerror(error), text, sizeof(text));
        int more = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, text, ap);
        size_t len = more < 0 ? (size_t)n : (size_t)n + (size_t)more;
        len = len < sizeof(line) - 2 ? len : sizeof(line) - 2;
        if (line[len - 1] != '\n') {
            line[len++] = '\n';
        }
        (void)file_write(&console_file, line, len);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
}

void syslog(int priority, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsyslog(priority, format, ap);
    va_end(ap);
}
