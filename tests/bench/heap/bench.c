/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Work for an allocator on the host: `bench WORK COUNT`. run.sh compiles it once per allocator
 * (with bench_malloc and so on being that allocator's names) and counts instructions.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocator.h"

#define LIVE 1000u

static uint32_t seed = 1;

static uint32_t rnd(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)seed * below) >> 32);
}

static void pairs(size_t size, unsigned long count)
{
    for (unsigned long i = 0; i < count; i++) {
        char *volatile p = bench_malloc(size);
        *p = 1;
        bench_free(p);
    }
}

/* A thousand live blocks of 1 to 512 bytes, of which a random one is replaced at each step. */
static void churn(unsigned long count)
{
    static char *live[LIVE];
    for (unsigned long i = 0; i < count; i++) {
        char **slot = &live[rnd(LIVE)];
        bench_free(*slot);
        *slot = bench_malloc(1 + rnd(512));
        **slot = 1;
    }
}

/* A buffer that grows from 16 bytes to 64 KiB by doubling. */
static void growth(unsigned long count)
{
    for (unsigned long i = 0; i < count; i++) {
        char *p = NULL;
        for (size_t size = 16; size <= 65536; size *= 2) {
            p = bench_realloc(p, size);
            p[size - 1] = 1;
        }
        bench_free(p);
    }
}

int main(int argc, char **argv)
{
    const char *work = argc > 1 ? argv[1] : "";
    unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
    allocator_init();
    /*
     * Everything once before it counts, so that first-time work is in both runs that are compared.
     */
    pairs(64, 10);
    pairs(65536, 10);
    if (strcmp(work, "pair-64") == 0) {
        pairs(64, count);
    } else if (strcmp(work, "pair-1k") == 0) {
        pairs(1024, count);
    } else if (strcmp(work, "pair-64k") == 0) {
        pairs(65536, count);
    } else if (strcmp(work, "churn") == 0) {
        churn(20000);
        churn(count);
    } else if (strcmp(work, "growth") == 0) {
        growth(count);
    } else {
        fprintf(stderr, "usage: bench pair-64|pair-1k|pair-64k|churn|growth COUNT\n");
        return 2;
    }
    return 0;
}
