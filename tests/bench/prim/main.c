/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What primitives cost. Under QEMU's `-icount shift=0` the time stamp counter ticks once per guest
 * instruction, so the figures are exact and do not depend on the host. Prints `prim NAME VALUE`. With a name as
 * its argument it measures that alone and says how many operations it has done, `operations N`: for a profile.
 */
#include "prim.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REPEATS 9 /* the median counts */
#define LIVE    1000

static const char *only; /* the measure to take; NULL for all */

static uint64_t ticks(void)
{
    uint32_t lo, hi;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(lo), "=d"(hi) : : "memory");
    return (uint64_t)hi << 32 | lo;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void measure(const char *name, unsigned n, void (*op)(unsigned n))
{
    uint64_t took[REPEATS];
    if (only != NULL && strcmp(only, name) != 0) {
        return;
    }
    op(n);
    for (int i = 0; i < REPEATS; i++) {
        uint64_t start = ticks();
        op(n);
        took[i] = ticks() - start;
    }
    qsort(took, REPEATS, sizeof(took[0]), by_value);
    printf("prim %s %.1f\n", name, (double)took[REPEATS / 2] / n);
    if (only != NULL) {
        printf("operations %u\n", (REPEATS + 1) * n);
    }
}

volatile long sink;

static __attribute__((noinline)) long callee(long x)
{
    __asm__ volatile("" : "+r"(x));
    return x;
}

static void function_call(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        sink = callee(i);
    }
}

static void get_pid(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        sink = getpid();
    }
}

static void get_time(unsigned n)
{
    struct timespec now;
    for (unsigned i = 0; i < n; i++) {
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
}

static int dev_zero = -1, dev_null = -1;

static void read_zero(unsigned n)
{
    char c;
    for (unsigned i = 0; i < n; i++) {
        sink = read(dev_zero, &c, 1);
    }
}

static void write_null(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        sink = write(dev_null, "a", 1);
    }
}

/* The compiler must not see that nothing is done with the memory. */
static void *hidden(void *p)
{
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}

static void malloc_64(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        free(hidden(malloc(64)));
    }
}

static void malloc_64k(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        free(hidden(malloc(65536)));
    }
}

static void *live[LIVE];

static void malloc_live(unsigned n, size_t size)
{
    for (unsigned done = 0; done < n; done += LIVE) {
        for (unsigned i = 0; i < LIVE; i++) {
            live[i] = hidden(malloc(size));
        }
        for (unsigned i = 0; i < LIVE; i++) {
            free(live[i]);
        }
    }
}

static void malloc_64_live(unsigned n)
{
    malloc_live(n, 64);
}

static void malloc_1500_live(unsigned n)
{
    malloc_live(n, 1500);
}

static char text[4096], other[4096];

static void copy_4k(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        memcpy(hidden(text), hidden(other), sizeof(text));
    }
}

static void copy_64(unsigned n)
{
    volatile size_t size = 64;
    for (unsigned i = 0; i < n; i++) {
        memcpy(hidden(text), hidden(other), size);
    }
}

static void length_1000(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        sink = (long)strlen(hidden(text));
    }
}

static void format(unsigned n)
{
    char line[64];
    for (unsigned i = 0; i < n; i++) {
        sink = snprintf(line, sizeof(line), "%d %s", (int)i, "abc");
    }
}

int main(int argc, char **argv)
{
    only = argc > 1 ? argv[1] : NULL;
    /* With one tick per nanosecond of virtual time, and the counter at 0 at reset. */
    printf("prim reset_to_main %.1f\n", (double)ticks());
    measure("function_call", 10000, function_call);
    measure("getpid", 10000, get_pid);
    measure("clock_gettime", 10000, get_time);
    dev_zero = open("/dev/zero", O_RDONLY);
    dev_null = open("/dev/null", O_WRONLY);
    if (dev_zero >= 0) {
        measure("read_devzero_1", 5000, read_zero);
    }
    if (dev_null >= 0) {
        measure("write_devnull_1", 5000, write_null);
    }
    measure("malloc_free_64", 10000, malloc_64);
    measure("malloc_free_64_live1000", LIVE, malloc_64_live);
    measure("malloc_free_1500_live1000", LIVE, malloc_1500_live);
    measure("malloc_free_64k", 1000, malloc_64k);
    measure("memcpy_4k", 1000, copy_4k);
    measure("memcpy_64", 10000, copy_64);
    memset(text, 'a', 1000);
    text[1000] = '\0';
    measure("strlen_1000", 1000, length_1000);
    measure("snprintf", 5000, format);
    measure_threads();
    measure_descriptors();
    measure_pages();
    puts("prim done");
    return 0;
}
