/* SPDX-License-Identifier: BSD-2-Clause */
/* Dates in headers. The days of a date are counted by the rule of the Gregorian calendar. */
#include "date.h"

#include <stdint.h>

#include "text.h"

static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

void date_format(time_t when, char out[DATE_SIZE])
{
    struct tm tm;
    const time_t zero = 0;
    if (gmtime_r(&when, &tm) == NULL || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900) {
        gmtime_r(&zero, &tm);
    }
    struct text t;
    text_fixed(&t, out, DATE_SIZE);
    text_printf(&t, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
                months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Days since 1970-01-01; month 1..12. A year begins with March here, so that leap days end it. */
static int64_t days_since_epoch(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t month_from_march = (month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
}

/*
 * Match s with a pattern: '#' is a digit, '_' a digit or a space, '@' a letter, all others are
 * themselves. The digits' values go to v[] in groups that other characters end, the last three
 * letters in a row to name[].
 */
static bool match(struct slice s, const char *pattern, int v[6], char name[4])
{
    int group = 0;
    bool in_group = false;
    size_t letters = 0;
    if (s.n != strlen(pattern)) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool digit = c >= '0' && c <= '9';
        if (pattern[i] == '#' || pattern[i] == '_') {
            if (!digit && (pattern[i] == '#' || c != ' ')) {
                return false;
            }
            v[group] = (in_group ? v[group] * 10 : 0) + (digit ? c - '0' : 0);
            in_group = true;
            continue;
        }
        group += in_group;
        in_group = false;
        if (pattern[i] == '@') {
            name[letters++ % 3] = c;
        } else {
            letters = 0;
            if (pattern[i] != c) {
                return false;
            }
        }
    }
    return true;
}

static int month_of(const char name[4])
{
    for (int i = 0; i < 12; i++) {
        if (memcmp(months[i], name, 3) == 0) {
            return i + 1;
        }
    }
    return 0;
}

/* A year of two digits is the one nearest to today, at most 50 years ahead: RFC 9110, 5.6.7. */
static int widen_year(int year)
{
    struct tm tm;
    time_t now = time(NULL);
    int today = gmtime_r(&now, &tm) != NULL ? tm.tm_year + 1900 : 1970;
    year += today / 100 * 100;
    return year > today + 50 ? year - 100 : year;
}

/* Cut the weekday with its comma off; its name isn't checked against the date. */
static struct slice without_weekday(struct slice s)
{
    const char *comma = memchr(s.p, ',', s.n);
    return comma != NULL && comma - s.p >= 3 ? slice_skip(s, (size_t)(comma - s.p) + 1) : s;
}

bool date_parse(struct slice s, time_t *when)
{
    int v[6] = { 0 }; /* in the order of their places */
    int day, year, hour, minute, second;
    char name[4] = "";
    if (s.n > 40 || s.p == NULL) {
        return false;
    }
    struct slice d = without_weekday(s);
    if (match(d, " ## @@@ #### ##:##:## GMT", v, name)) {
        day = v[0], year = v[1], hour = v[2], minute = v[3], second = v[4];
    } else if (match(d, " ##-@@@-## ##:##:## GMT", v, name)) {
        day = v[0], year = widen_year(v[1]), hour = v[2], minute = v[3], second = v[4];
    } else if (match(s, "@@@ @@@ _# ##:##:## ####", v, name)) {
        day = v[0], hour = v[1], minute = v[2], second = v[3], year = v[4];
    } else {
        return false;
    }
    int month = month_of(name);
    if (month == 0 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    int64_t t = days_since_epoch(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    *when = (time_t)t;
    return true;
}
