/* SPDX-License-Identifier: BSD-2-Clause */
/* gmtime(), localtime() and their kin: a time as year, month, day, hour (the Gregorian calendar). */
#include <errno.h>
#include <limits.h>
#include <stddef.h>

#include "time_zone.h"

#define ERA_DAYS  146097 /* of 400 years */
#define MARCH_DAY 719468 /* from 0000-03-01 to 1970-01-01 */

/* For gmtime() and localtime(), which POSIX lets share it. */
static struct tm shared;

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Years are counted from March: then February 29 is the last day of one. */
int64_t time_days(int64_t year, int month, int64_t day)
{
    year += month >= 12 ? month / 12 : 0;
    month %= 12;
    year -= month < 2;
    int64_t era = floor_div(year, 400);
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month < 2 ? month + 10 : month - 2) + 2) / 5;
    return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year + day - 1 - MARCH_DAY;
}

int time_break(int64_t t, int offset, struct tm *out)
{
    if (__builtin_add_overflow(t, offset, &t)) {
        return -EOVERFLOW;
    }
    int64_t days = floor_div(t, DAY_SECONDS);
    int seconds = (int)(t - days * DAY_SECONDS);
    int64_t shifted = days + MARCH_DAY;
    int64_t era = floor_div(shifted, ERA_DAYS);
    int64_t of_era = shifted - era * ERA_DAYS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int month = (int)((5 * of_year + 2) / 153);
    year += era * 400;
    int64_t day = of_year - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 2 : month - 10;
    year += month < 2;
    if (year - 1900 < INT_MIN || year - 1900 > INT_MAX) {
        return -EOVERFLOW;
    }
    *out = (struct tm){
        .tm_sec = seconds % 60, .tm_min = seconds / 60 % 60, .tm_hour = seconds / 3600,
        .tm_mday = (int)day, .tm_mon = month, .tm_year = (int)(year - 1900),
        .tm_wday = (int)(((days + 4) % 7 + 7) % 7), .tm_yday = (int)(days - time_days(year, 0, 1)),
        .tm_gmtoff = offset, .tm_zone = "GMT",
    };
    return 0;
}

int time_break_local(const struct time_zone *zone, int64_t t, struct tm *out)
{
    bool saves = time_zone_saves(zone, t);
    int r = time_break(t, zone->offset[saves], out);
    if (r == 0) {
        out->tm_isdst = saves;
        out->tm_zone = zone->name[saves];
    }
    return r;
}

static struct tm *result(int r, struct tm *out)
{
    if (r != 0) {
        errno = -r;
        return NULL;
    }
    return out;
}

struct tm *gmtime_r(const time_t *restrict t, struct tm *restrict out)
{
    return result(time_break(*t, 0, out), out);
}

struct tm *localtime_r(const time_t *restrict t, struct tm *restrict out)
{
    struct time_zone zone;
    time_zone_get(&zone);
    return result(time_break_local(&zone, *t, out), out);
}

struct tm *gmtime(const time_t *t)
{
    return gmtime_r(t, &shared);
}

struct tm *localtime(const time_t *t)
{
    return localtime_r(t, &shared);
}
