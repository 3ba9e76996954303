/* SPDX-License-Identifier: BSD-2-Clause */
/* timegm(): seconds of a date in UTC. Any field may be out of its range, as for mktime(). */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <time.h>

#include "result.h"

#define DAY_S 86400ll

/* Days from 1970-01-01 to the first of a month; months count from 0, years from 0 AD. */
static int64_t days_before(int64_t year, int month)
{
    static const short before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    int64_t last = month > 1 ? year : year - 1; /* whose February is over */
    int64_t leap = last / 4 - last / 100 + last / 400;
    if (last < 0) { /* division rounds to zero, calendars down */
        leap = -((-last + 3) / 4 - (-last + 99) / 100 + (-last + 399) / 400);
    }
    return 365 * (year - 1970) + leap - 477 + before[month];
}

time_t timegm(struct tm *tm)
{
    int64_t year = (int64_t)tm->tm_year + 1900 + tm->tm_mon / 12;
    int month = tm->tm_mon % 12;
    if (month < 0) {
        month += 12;
        year--;
    }
    int64_t days = days_before(year, month) + tm->tm_mday - 1;
    time_t t = ((days * 24 + tm->tm_hour) * 60 + tm->tm_min) * 60 + tm->tm_sec;
    /* The year of the result has to be an int that counts from 1900. */
    if (t < days_before(INT_MIN + 1900ll, 0) * DAY_S ||
        t >= days_before(INT_MAX + 1901ll, 0) * DAY_S) {
        return (time_t)libc_result(-EOVERFLOW);
    }
    gmtime_r(&t, tm);
    return t;
}
