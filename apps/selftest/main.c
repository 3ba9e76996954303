/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a person runs on an unknown host to learn what works there: how fast code runs at CPL 3, what
 * traps, timers and clocks do, which CPU features can be used. Prints a table that can be sent to us;
 * the exit status is 0 when everything that has to work does.
 */
#include "selftest.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static unsigned bad;

static void print_row(const char *mark, const char *name, const char *fmt, va_list ap)
{
    printf("%-4s %-26s ", mark, name);
    vprintf(fmt, ap);
    printf("\n");
    fflush(stdout);
}

void row(const char *name, bool good, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    print_row(good ? "ok" : "BAD", name, fmt, ap);
    va_end(ap);
    bad += !good;
}

void note(const char *name, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    print_row("", name, fmt, ap);
    va_end(ap);
}

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t cycles(void)
{
    uint32_t lo, hi;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(lo), "=d"(hi) : : "memory");
    return (uint64_t)hi << 32 | lo;
}

int main(void)
{
    test_machine();
    test_features();
    test_clocks();
    test_speed();
    test_threads();
    printf("\n%s\n", bad == 0 ? "Everything that has to work does." : "Some of it does not work.");
    return bad != 0;
}
