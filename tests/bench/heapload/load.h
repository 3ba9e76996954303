/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of heapload share. */
#pragma once

#include <stdint.h>

/* Guest instructions so far, where the time stamp counter ticks once for each (QEMU's -icount). */
static inline uint64_t ticks(void)
{
    uint32_t lo, hi;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(lo), "=d"(hi) : : "memory");
    return (uint64_t)hi << 32 | lo;
}

/* Numbers that look random, the same ones everywhere. */
struct draw {
    uint64_t state; /* not 0 */
};

static inline uint64_t draw(struct draw *d)
{
    d->state ^= d->state << 13;
    d->state ^= d->state >> 7;
    d->state ^= d->state << 17;
    return d->state;
}

static inline unsigned draw_below(struct draw *d, unsigned below)
{
    return (unsigned)((draw(d) >> 32) * below >> 32);
}

/* The parts; they print `heap NAME VALUE`. */
void run_patterns(void);
void run_threads(void);
void run_traffic(unsigned seconds);
