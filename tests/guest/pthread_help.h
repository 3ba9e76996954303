/* SPDX-License-Identifier: BSD-2-Clause */
/* Helpers of the tests of POSIX threads. Include it after check.h, in one .c file only. */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#define MS 1000000l

/* The time `ms` from now on a clock. */
__attribute__((unused))
static struct timespec in_ms(clockid_t clock, long ms)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_nsec += ms % 1000 * MS;
    t.tv_sec += ms / 1000 + t.tv_nsec / (1000 * MS);
    t.tv_nsec %= 1000 * MS;
    return t;
}

__attribute__((unused))
static long ms_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / MS;
}

__attribute__((unused))
static void sleep_ms(long ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * MS };
    nanosleep(&t, NULL);
}

/* What fn(arg) returns in a thread of its own. */
static intptr_t in_thread(void *(*fn)(void *), void *arg)
{
    pthread_t t;
    void *result = NULL;
    CHECK_EQ(pthread_create(&t, NULL, fn, arg), 0);
    CHECK_EQ(pthread_join(t, &result), 0);
    return (intptr_t)result;
}
