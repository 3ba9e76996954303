/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heap in a machine: everything is taken until NULL and given back, a thousand times, and
 * afterwards the machine has what it had. A full machine stays usable.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

static long pages_free(void)
{
    return sysconf(_SC_AVPHYS_PAGES);
}

/*
 * Take blocks of one size until there is no more; returns how many, chained through their first
 * word.
 */
static unsigned long take_all(size_t size, void **list)
{
    unsigned long n = 0;
    void **p;
    while ((p = malloc(size)) != NULL) {
        *p = *list;
        *list = p;
        n++;
    }
    return n;
}

static void give_all(void *list)
{
    while (list != NULL) {
        void *next = *(void **)list;
        free(list);
        list = next;
    }
}

static void exhaustion(void)
{
    static const size_t sizes[] = { 65536, 4096, 300000, 2048, 12345, 700 };
    enum { NSIZES = sizeof(sizes) / sizeof(sizes[0]) };
    unsigned long first[NSIZES] = { 0 };
    malloc_trim(0);
    long before = pages_free();
    for (unsigned round = 0; round < 1000; round++) {
        unsigned which = round % NSIZES;
        void *list = NULL;
        errno = 0;
        unsigned long n = take_all(sizes[which], &list);
        CHECK_EQ(errno, ENOMEM);
        give_all(list);
        if (first[which] == 0) {
            first[which] = n;
            CHECK(n > 0);
        }
        if (n < first[which]) {
            CHECK_FAIL("round %u, size %zu: %lu blocks, at first %lu", round, sizes[which], n,
                       first[which]);
            return;
        }
    }
    malloc_trim(0);
    long lost = before - pages_free();
    /* The page map grows with what memory there is, one page for 16 MiB. */
    if (lost > 8) {
        CHECK_FAIL("%ld pages are gone", lost);
    }
}

/*
 * With every page taken, printing works (not of floating point, for which newlib needs memory), and
 * one free makes one allocation possible.
 */
static void full_machine(void)
{
    void *list = NULL;
    take_all(4096, &list);
    char line[40];
    CHECK_EQ(snprintf(line, sizeof(line), "%s %d", "seven", 7), 7);
    CHECK(malloc(100000) == NULL);
    void *next = *(void **)list;
    free(list);
    list = malloc(4000);
    CHECK(list != NULL);
    if (list != NULL) {
        *(void **)list = next;
        next = list;
    }
    give_all(next);
    void *p = malloc(100000);
    CHECK(p != NULL);
    free(p);
}

static void patterns(void)
{
    enum { N = 200 };
    static unsigned char *block[N];
    static size_t size[N];
    uint32_t seed = 1;
    for (unsigned step = 0; step < 20000; step++) {
        seed = seed * 1664525u + 1013904223u;
        unsigned i = (seed >> 8) % N;
        if (block[i] != NULL) {
            for (size_t k = 0; k < size[i]; k++) {
                if (block[i][k] != (unsigned char)i) {
                    CHECK_FAIL("block %u of %zu bytes was overwritten at %zu", i, size[i], k);
                    return;
                }
            }
        }
        seed = seed * 1664525u + 1013904223u;
        size[i] = (seed >> 8) % (step % 16 == 0 ? 20000 : 400);
        if (step % 3 == 0) {
            free(block[i]);
            block[i] = malloc(size[i]);
        } else {
            block[i] = realloc(block[i], size[i]);
        }
        if (!CHECK(block[i] != NULL)) {
            return;
        }
        memset(block[i], (int)i, size[i]);
    }
    for (unsigned i = 0; i < N; i++) {
        free(block[i]);
    }
}

static void entry_points(void)
{
    void *p = NULL;
    CHECK_EQ(posix_memalign(&p, 64, 100), 0);
    CHECK_EQ((uintptr_t)p % 64, 0);
    free(p);
    CHECK_EQ(posix_memalign(&p, 3, 100), EINVAL);
    p = aligned_alloc(65536, 65536);
    CHECK(p != NULL && (uintptr_t)p % 65536 == 0);
    CHECK(malloc_usable_size(p) >= 65536);
    free(p);
    unsigned char *z = calloc(1000, 7);
    CHECK(z != NULL && z[0] == 0 && z[6999] == 0);
    free(z);
    errno = 0;
    volatile size_t half = SIZE_MAX / 2;
    CHECK(calloc(half, 3) == NULL);
    CHECK_EQ(errno, ENOMEM);
    CHECK(reallocarray(NULL, half, 3) == NULL);
    CHECK(malloc(half) == NULL);
    free(NULL);
}

int main(void)
{
    check_run("patterns", patterns);
    check_run("entry_points", entry_points);
    check_run("exhaustion", exhaustion);
    check_run("full_machine", full_machine);
    return check_done();
}
