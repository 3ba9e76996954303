/* SPDX-License-Identifier: BSD-2-Clause */
/* What has been used: time since the start, the most memory. Load averages are not kept. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <pith/page.h>
#include <pith/platform.h>

#include "result.h"

int getrusage(int who, struct rusage *usage)
{
    struct page_stats stats;
    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD) {
        return (int)libc_result(-EINVAL);
    }
    *usage = (struct rusage){ .ru_maxrss = 0 };
    if (who == RUSAGE_CHILDREN) {
        return 0;
    }
    uint64_t us = platform_clock_ns() / 1000;
    usage->ru_utime = (struct timeval){ (time_t)(us / 1000000), (suseconds_t)(us % 1000000) };
    page_stats(&stats);
    usage->ru_maxrss = (long)((stats.total - stats.low) * (PAGE_SIZE / 1024));
    return 0;
}

int getloadavg(double *loads, int n)
{
    (void)loads;
    (void)n;
    return -1;
}
