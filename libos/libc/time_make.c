/* SPDX-License-Identifier: BSD-2-Clause */
/* mktime(): from local time to seconds; fields may be out of their ranges (C11 7.27.2.3). difftime(). */
#include <errno.h>

#include "time_zone.h"

/* The seconds that the fields would be in UTC; none of this overflows 64 bits. */
static int64_t seconds_of(const struct tm *t)
{
    int64_t year = t->tm_year + 1900ll + t->tm_mon / 12;
    int month = t->tm_mon % 12;
    if (month < 0) {
        month += 12;
        year--;
    }
    return time_days(year, month, t->tm_mday) * DAY_SECONDS + t->tm_hour * 3600ll + t->tm_min * 60ll +
           t->tm_sec;
}

/*
 * tm_isdst says which of the two clocks is meant. Where it does not, the one that fits; standard time
 * for an hour that there is twice, and for one that is skipped.
 */
static int64_t to_utc(const struct time_zone *zone, int64_t local, int wanted)
{
    int64_t standard = local - zone->offset[0], saving = local - zone->offset[1];
    if (wanted > 0) {
        return zone->saving ? saving : standard - 3600;
    }
    if (wanted < 0 && time_zone_saves(zone, standard) && time_zone_saves(zone, saving)) {
        return saving;
    }
    return standard;
}

time_t mktime(struct tm *t)
{
    struct time_zone zone;
    struct tm made;
    time_zone_get(&zone);
    int64_t utc = to_utc(&zone, seconds_of(t), t->tm_isdst);
    int r = time_break_local(&zone, utc, &made);
    if (r != 0) {
        errno = -r;
        return -1;
    }
    *t = made;
    return utc;
}

/* Their difference may be more than time_t holds. */
double difftime(time_t a, time_t b)
{
    time_t exact;
    return __builtin_sub_overflow(a, b, &exact) ? (double)a - (double)b : (double)exact;
}
