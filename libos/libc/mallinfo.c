/* SPDX-License-Identifier: BSD-2-Clause */
/* What the heap has: mallinfo2(3), with the fields that have a meaning here, and mallopt(3). */
#define _GNU_SOURCE
#include <limits.h>
#include <malloc.h>

#include <pith/heap.h>
#include <pith/page.h>

struct mallinfo2 mallinfo2(void)
{
    struct heap_stats stats;
    heap_stats(&stats);
    size_t all = stats.pages * PAGE_SIZE, large = stats.large_pages * PAGE_SIZE;
    size_t used = stats.small_bytes + large;
    return (struct mallinfo2){
        .arena = all,
        .hblkhd = large,
        .uordblks = used,
        .fordblks = all - used - stats.map_pages * PAGE_SIZE,
    };
}

static int clamp(size_t n)
{
    return n < INT_MAX ? (int)n : INT_MAX;
}

struct mallinfo mallinfo(void)
{
    struct mallinfo2 m = mallinfo2();
    return (struct mallinfo){
        .arena = clamp(m.arena),
        .hblkhd = clamp(m.hblkhd),
        .uordblks = clamp(m.uordblks),
        .fordblks = clamp(m.fordblks),
    };
}

/* Nothing can be tuned; 1 as glibc says, whose wishes are advice. */
int mallopt(int name, int value)
{
    (void)name;
    (void)value;
    return 1;
}
