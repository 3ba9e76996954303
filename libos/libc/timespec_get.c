/* SPDX-License-Identifier: BSD-2-Clause */
/* C11, 7.27.2.5: the time by a base, of which there is UTC. */
#define _GNU_SOURCE /* timespec_getres */
#include <time.h>

int timespec_get(struct timespec *ts, int base)
{
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, ts) == 0 ? base : 0;
}

int timespec_getres(struct timespec *ts, int base)
{
    return base == TIME_UTC && clock_getres(CLOCK_REALTIME, ts) == 0 ? base : 0;
}
