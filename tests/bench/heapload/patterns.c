/* SPDX-License-Identifier: BSD-2-Clause */
/* One thread: a block at a time, one of many that are replaced, and a buffer that grows. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST_LIVE   2000u
#define MOST_BYTES  (16u << 20) /* of a live set */
#define MIXED_STEPS 40000u

static char *live[MOST_LIVE];
static struct draw numbers = { 88172645463325252u };

/* Its first and last byte are used, as those of any block are. */
static char *take(size_t size)
{
    char *p = malloc(size);
    if (p == NULL) {
        puts("heap: out of memory");
        exit(1);
    }
    *(volatile char *)p = 1;
    ((volatile char *)p)[size - 1] = 1;
    return p;
}

static void pairs(size_t size, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        free(take(size));
    }
}

static void measure_pairs(size_t size, unsigned n)
{
    pairs(size, n);
    uint64_t start = ticks();
    pairs(size, n);
    printf("heap pair_%zu %.1f\n", size, (double)(ticks() - start) / n);
}

static void replace(unsigned nlive, size_t least, size_t most, unsigned steps)
{
    for (unsigned i = 0; i < steps; i++) {
        char **slot = &live[draw_below(&numbers, nlive)];
        free(*slot);
        *slot = take(least + draw_below(&numbers, (unsigned)(most - least + 1)));
    }
}

static void drop(unsigned nlive)
{
    for (unsigned i = 0; i < nlive; i++) {
        free(live[i]);
        live[i] = NULL;
    }
}

static void measure_live(size_t size)
{
    unsigned nlive = MOST_BYTES / size < MOST_LIVE ? (unsigned)(MOST_BYTES / size) : MOST_LIVE;
    replace(nlive, size, size, 4 * nlive);
    uint64_t start = ticks();
    replace(nlive, size, size, 4 * nlive);
    printf("heap live_%zu %.1f\n", size, (double)(ticks() - start) / (4 * nlive));
    drop(nlive);
}

static void measure_mixed(const char *name, size_t least, size_t most)
{
    replace(MOST_LIVE, least, most, MIXED_STEPS);
    uint64_t start = ticks();
    replace(MOST_LIVE, least, most, MIXED_STEPS);
    printf("heap %s %.1f\n", name, (double)(ticks() - start) / MIXED_STEPS);
    drop(MOST_LIVE);
}

/* A buffer that doubles, as those of strings and tables do. */
static void grow(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char *p = NULL;
        for (size_t size = 16; size <= 65536; size *= 2) {
            p = realloc(p, size);
            if (p == NULL) {
                puts("heap: out of memory");
                exit(1);
            }
            ((volatile char *)p)[size - 1] = 1;
        }
        free(p);
    }
}

void run_patterns(void)
{
    static const size_t sizes[] = { 16, 64, 256, 1024, 4096, 16384, 65536, 1 << 20 };
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        measure_pairs(sizes[i], sizes[i] <= 4096 ? 2000 : 200);
    }
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        measure_live(sizes[i]);
    }
    measure_mixed("mixed_16_512", 16, 512);
    measure_mixed("mixed_16_4096", 16, 4096);
    grow(100);
    uint64_t start = ticks();
    grow(100);
    printf("heap grow_to_64k %.1f\n", (double)(ticks() - start) / 100);
}
