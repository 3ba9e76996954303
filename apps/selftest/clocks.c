/* SPDX-License-Identifier: BSD-2-Clause */
/* The clocks and the timer: that they go forward, agree with each other, and how late a wake-up is. */
#include "selftest.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#define READS      100000
#define SLEEPS     30
#define SLEEP_NS   2000000u
#define YEAR_2024  1704067200 /* 2024-01-01 in seconds since 1970 */
#define LATE_NS    50000000u  /* a shared, slow host may be late, but not by this much at best */

static void reads(void)
{
    uint64_t last = now_ns(), back = 0, start = cycles(), first = last;

    for (int i = 0; i < READS; i++) {
        uint64_t now = now_ns();
        back += now < last;
        last = now;
    }
    uint64_t took = cycles() - start;
    row("monotonic clock", back == 0 && last > first, "%llu cycles per read, %llu times backwards",
        (unsigned long long)(took / READS), (unsigned long long)back);
}

static void frequency(void)
{
    uint64_t ns = now_ns(), start = cycles();
    while (now_ns() - ns < 20000000) {
    }
    uint64_t took_cycles = cycles() - start, took_ns = now_ns() - ns;
    note("time stamp counter", "%llu MHz", (unsigned long long)(took_cycles * 1000 / took_ns));
}

static void wall(void)
{
    time_t now = time(NULL);
    struct tm parts;
    char text[40] = "?";
    if (gmtime_r(&now, &parts) != NULL) {
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &parts);
    }
    row("date", now > YEAR_2024, "%s", text);
}

static void sleeps(void)
{
    const struct timespec wanted = { 0, SLEEP_NS };
    uint64_t least = UINT64_MAX, most = 0, sum = 0;
    bool early = false;

    for (int i = 0; i < SLEEPS; i++) {
        uint64_t start = now_ns();
        while (nanosleep(&wanted, NULL) != 0 && errno == EINTR) {
        }
        uint64_t took = now_ns() - start;
        early |= took < SLEEP_NS;
        uint64_t late = took < SLEEP_NS ? 0 : took - SLEEP_NS;
        least = late < least ? late : least;
        most = late > most ? late : most;
        sum += late;
    }
    row("timer", !early && least < LATE_NS, "2 ms sleeps: %llu us late at best, %llu on average, %llu at worst",
        (unsigned long long)(least / 1000), (unsigned long long)(sum / SLEEPS / 1000),
        (unsigned long long)(most / 1000));
}

void test_clocks(void)
{
    frequency();
    reads();
    wall();
    sleeps();
}
