/* SPDX-License-Identifier: BSD-2-Clause */
/* The local time zone, from TZ (POSIX, "Other Environment Variables"), and the calendar's arithmetic. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define DAY_SECONDS 86400

/* When a year's daylight saving begins or ends. */
struct time_rule {
    enum {
        RULE_MONTH,    /* Mm.w.d */
        RULE_JULIAN,   /* Jn: 1 to 365, there is no February 29 */
        RULE_ZERO,     /* n: 0 to 365 */
    } kind;
    int month, week, day;
    int seconds;       /* of the local time before the change */
};

struct time_zone {
    const char *name[2]; /* standard time's, daylight saving's; they live for ever */
    int offset[2];       /* seconds east of UTC */
    bool saving;         /* there is daylight saving */
    struct time_rule start, end;
};

/* What TZ says now; also sets tzname, timezone and daylight. Context: thread. */
void time_zone_get(struct time_zone *zone);

/* Whether daylight saving is on at t. Context: any. */
bool time_zone_saves(const struct time_zone *zone, int64_t t);

/* Days since 1970-01-01 of a date; the month is 0 to 11, the day may be any. Context: any. */
int64_t time_days(int64_t year, int month, int64_t day);

/* Break a time down, as seen at `offset` seconds east. Errors: -EOVERFLOW. Context: any. */
int time_break(int64_t t, int offset, struct tm *out);

/* The same in the zone, with its fields. */
int time_break_local(const struct time_zone *zone, int64_t t, struct tm *out);
