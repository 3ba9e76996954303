/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * strptime(): a time out of text (POSIX), in the C locale. A number takes at most as many digits as
 * its field has, so "20240229" is a year, a month and a day. Weekday and day of the year follow from
 * a date.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <strings.h>
#include <string.h>

#include "time_zone.h"

static const char months[12][10] = { "January", "February", "March", "April", "May", "June", "July", "August",
                                     "September", "October", "November", "December" };
static const char days[7][10] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };

/* What has been read, and what has to be put together at the end. */
struct reading {
    struct tm *tm;
    int century;        /* or -1 */
    int year_of_century; /* or -1 */
    int twelve;         /* an hour of %I, or -1 */
    int afternoon;      /* 0, 1, or -1 */
    int week[2];        /* %U, %W, or -1 */
    bool has_year, has_month, has_day, has_yday, has_wday;
};

static const char *read_all(const char *s, const char *format, struct reading *r);

/* A number of at most `digits` digits, leading spaces skipped. NULL when it is out of range. */
static const char *read_int(const char *s, int digits, int min, int max, int *out)
{
    int n = 0;
    while (isspace((unsigned char)*s)) {
        s++;
    }
    if (!isdigit((unsigned char)*s)) {
        return NULL;
    }
    while (digits-- > 0 && isdigit((unsigned char)*s)) {
        n = n * 10 + (*s++ - '0');
    }
    *out = n;
    return n >= min && n <= max ? s : NULL;
}

/* One of some names, whole or its first three letters. */
static const char *read_name(const char *s, const char (*names)[10], int count, int *out)
{
    for (int i = 0; i < count; i++) {
        size_t len = strlen(names[i]);
        if (strncasecmp(s, names[i], len) != 0) {
            len = 3;
        }
        if (strncasecmp(s, names[i], len) == 0) {
            *out = i;
            return s + len;
        }
    }
    return NULL;
}

/* +hh, +hhmm, +hh:mm or Z. */
static const char *read_offset(const char *s, struct reading *r)
{
    int hours = 0, minutes = 0, sign = *s == '-' ? -1 : 1;
    if (*s == 'Z') {
        r->tm->tm_gmtoff = 0;
        return s + 1;
    }
    if (*s != '+' && *s != '-') {
        return NULL;
    }
    s = read_int(s + 1, 2, 0, 24, &hours);
    if (s != NULL && (*s == ':' || isdigit((unsigned char)*s))) {
        s = read_int(s + (*s == ':'), 2, 0, 59, &minutes);
    }
    r->tm->tm_gmtoff = sign * (hours * 3600l + minutes * 60l);
    return s;
}

static const char *read_seconds(const char *s, struct reading *r)
{
    char *end;
    time_t t = strtoll(s, &end, 10);
    if (end == s || localtime_r(&t, r->tm) == NULL) {
        return NULL;
    }
    r->has_year = r->has_month = r->has_day = r->has_yday = r->has_wday = true;
    return end;
}

static const char *read_date(const char *s, char c, struct reading *r)
{
    struct tm *tm = r->tm;
    int n = 0;
    switch (c) {
    case 'A': case 'a':
        r->has_wday = true;
        return read_name(s, days, 7, &tm->tm_wday);
    case 'B': case 'b': case 'h':
        r->has_month = true;
        return read_name(s, months, 12, &tm->tm_mon);
    case 'C':
        return read_int(s, 2, 0, 99, &r->century);
    case 'd': case 'e':
        r->has_day = true;
        return read_int(s, 2, 1, 31, &tm->tm_mday);
    case 'j':
        s = read_int(s, 3, 1, 366, &n);
        r->has_yday = true;
        tm->tm_yday = n - 1;
        return s;
    case 'm':
        s = read_int(s, 2, 1, 12, &n);
        r->has_month = true;
        tm->tm_mon = n - 1;
        return s;
    case 'u':
        s = read_int(s, 1, 1, 7, &n);
        r->has_wday = true;
        tm->tm_wday = n % 7;
        return s;
    case 'w':
        r->has_wday = true;
        return read_int(s, 1, 0, 6, &tm->tm_wday);
    case 'U':
        return read_int(s, 2, 0, 53, &r->week[0]);
    case 'W':
        return read_int(s, 2, 0, 53, &r->week[1]);
    case 'y':
        return read_int(s, 2, 0, 99, &r->year_of_century);
    case 'Y':
        s = read_int(s, 4, 0, 9999, &n);
        r->has_year = true;
        r->century = r->year_of_century = -1;
        tm->tm_year = n - 1900;
        return s;
    case 'g': /* read, and not used: they need a weekday to mean something */
        return read_int(s, 2, 0, 99, &n);
    case 'G':
        return read_int(s, 4, 0, 9999, &n);
    case 'V':
        return read_int(s, 2, 0, 53, &n);
    default:
        return NULL;
    }
}

static const char *read_clock(const char *s, char c, struct reading *r)
{
    struct tm *tm = r->tm;
    switch (c) {
    case 'H': case 'k':
        r->twelve = -1;
        return read_int(s, 2, 0, 23, &tm->tm_hour);
    case 'I': case 'l':
        return read_int(s, 2, 1, 12, &r->twelve);
    case 'M':
        return read_int(s, 2, 0, 59, &tm->tm_min);
    case 'S':
        return read_int(s, 2, 0, 61, &tm->tm_sec);
    case 'p': case 'P':
        r->afternoon = strncasecmp(s, "PM", 2) == 0;
        return r->afternoon || strncasecmp(s, "AM", 2) == 0 ? s + 2 : NULL;
    case 's':
        return read_seconds(s, r);
    case 'z':
        while (isspace((unsigned char)*s)) {
            s++;
        }
        return read_offset(s, r);
    case 'Z':
        return s; /* as glibc: it says nothing that can be used */
    default:
        return NULL;
    }
}

static const char *read_one(const char *s, char c, struct reading *r)
{
    static const char *const whole[] = {
        ['c'] = "%a %b %e %H:%M:%S %Y", ['D'] = "%m/%d/%y", ['F'] = "%Y-%m-%d", ['R'] = "%H:%M", ['r'] = "%I:%M:%S %p",
        ['T'] = "%H:%M:%S", ['X'] = "%H:%M:%S", ['x'] = "%m/%d/%y", ['n'] = " ", ['t'] = " ",
    };
    unsigned char at = (unsigned char)c;
    if (at < sizeof(whole) / sizeof(whole[0]) && whole[at] != NULL) {
        return read_all(s, whole[at], r);
    }
    if (c == '%') {
        return *s == '%' ? s + 1 : NULL;
    }
    return strchr("HkIlMSpPszZ", c) != NULL ? read_clock(s, c, r) : read_date(s, c, r);
}

static const char *read_all(const char *s, const char *format, struct reading *r)
{
    for (; *format != '\0' && s != NULL; format++) {
        if (isspace((unsigned char)*format)) {
            while (isspace((unsigned char)*s)) {
                s++;
            }
        } else if (*format != '%') {
            s = *s == *format ? s + 1 : NULL;
        } else {
            format++;
            while (*format == '-' || *format == '_' || *format == '0' || *format == '^' || *format == '#') {
                format++; /* strftime's flags */
            }
            format += *format == 'E' || *format == 'O';
            s = *format != '\0' ? read_one(s, *format, r) : NULL;
        }
        if (s == NULL) {
            return NULL;
        }
    }
    return s;
}

/* From %U or %W and the weekday to the day of the year. */
static void apply_week(struct reading *r, int64_t first)
{
    struct tm *tm = r->tm;
    for (int monday = 0; monday < 2; monday++) {
        if (r->week[monday] >= 0 && r->has_wday && !r->has_yday && !(r->has_month && r->has_day)) {
            int weekday = (int)(((first + 4) % 7 + 7) % 7);
            int lead = (7 - (weekday - monday + 7) % 7) % 7;
            tm->tm_yday = lead + (r->week[monday] - 1) * 7 + (tm->tm_wday - monday + 7) % 7;
            r->has_yday = r->has_year = true;
        }
    }
}

static void finish(struct reading *r)
{
    struct tm *tm = r->tm;
    if (r->twelve >= 0) {
        tm->tm_hour = r->twelve % 12 + (r->afternoon == 1 ? 12 : 0);
    }
    if (r->year_of_century >= 0) {
        int yy = r->year_of_century;
        tm->tm_year = r->century >= 0 ? (r->century - 19) * 100 + yy : yy < 69 ? yy + 100 : yy;
        r->has_year = true;
    } else if (r->century >= 0) {
        tm->tm_year = tm->tm_year % 100 + (r->century - 19) * 100;
        r->has_year = true;
    }
    int64_t first = time_days(tm->tm_year + 1900ll, 0, 1);
    apply_week(r, first);
    bool dated = r->has_year || r->has_month || r->has_day; /* the day of the year alone is no date */
    if (dated && r->has_yday && !(r->has_month && r->has_day)) {
        struct tm date;
        if (time_break((first + tm->tm_yday) * DAY_SECONDS, 0, &date) == 0) {
            if (!r->has_month) {
                tm->tm_mon = date.tm_mon;
            }
            if (!r->has_day) {
                tm->tm_mday = date.tm_mday;
            }
        }
    }
    if (dated && !r->has_wday) {
        int64_t day = time_days(tm->tm_year + 1900ll, tm->tm_mon, tm->tm_mday);
        tm->tm_wday = (int)(((day + 4) % 7 + 7) % 7);
    }
    if (dated && !r->has_yday) {
        tm->tm_yday = (int)(time_days(tm->tm_year + 1900ll, tm->tm_mon, tm->tm_mday) - first);
    }
}

char *strptime(const char *restrict s, const char *restrict format, struct tm *restrict tm)
{
    struct reading r = { .tm = tm, .century = -1, .year_of_century = -1, .twelve = -1, .afternoon = -1,
                         .week = { -1, -1 } };
    const char *end = read_all(s, format, &r);
    if (end == NULL) {
        return NULL;
    }
    finish(&r);
    return (char *)(uintptr_t)end;
}

char *strptime_l(const char *restrict s, const char *restrict format, struct tm *restrict tm, locale_t locale)
{
    (void)locale;
    return strptime(s, format, tm);
}
