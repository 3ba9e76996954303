/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tzset(): the time zone as TZ describes it, "CET-1CEST,M3.5.0,M10.5.0/3" (POSIX, 8.3). There is no
 * data base of zones: a name such as Europe/Berlin is UTC under that name, as on Linux without one.
 */
#include "time_zone.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <pith/libc.h>

void _tzset_unlocked(void);

#define TZ_MAX 128 /* a longer TZ is none */

char *tzname[2] = { (char *)(uintptr_t)"UTC", (char *)(uintptr_t)"UTC" };
long timezone;
int daylight;

/* A zone's name is kept for ever: tm_zone points to it. There are few. */
struct name {
    struct name *next;
    char text[];
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of all that follows */
static struct name *names;
static char parsed[TZ_MAX];
static bool is_parsed;
static struct time_zone current = { .name = { "UTC", "UTC" } };

static const char *keep_name(const char *text, size_t len)
{
    for (struct name *n = names; n != NULL; n = n->next) {
        if (strncmp(n->text, text, len) == 0 && n->text[len] == '\0') {
            return n->text;
        }
    }
    struct name *n = malloc(sizeof(*n) + len + 1);
    if (n == NULL) {
        return "";
    }
    memcpy(n->text, text, len);
    n->text[len] = '\0';
    n->next = names;
    names = n;
    return n->text;
}

/* Three letters or more, or anything alphanumeric between < and >. */
static const char *parse_name(const char *s, const char **name)
{
    const char *from = s;
    if (*s == '<') {
        from = ++s;
        while (isalnum((unsigned char)*s) || *s == '+' || *s == '-') {
            s++;
        }
        if (*s != '>' || s - from < 3) {
            return NULL;
        }
        *name = keep_name(from, (size_t)(s - from));
        return s + 1;
    }
    while (isalpha((unsigned char)*s)) {
        s++;
    }
    if (s - from < 3) {
        return NULL;
    }
    *name = keep_name(from, (size_t)(s - from));
    return s;
}

static const char *parse_number(const char *s, int max, int *out)
{
    int n = 0;
    if (!isdigit((unsigned char)*s)) {
        return NULL;
    }
    while (isdigit((unsigned char)*s) && n <= max) {
        n = n * 10 + (*s++ - '0');
    }
    *out = n;
    return n <= max ? s : NULL;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static const char *parse_time(const char *s, int hours_max, int *out)
{
    int sign = *s == '-' ? -1 : 1, part[3] = { 0, 0, 0 };
    s += *s == '-' || *s == '+';
    for (int i = 0; i < 3; i++) {
        s = parse_number(s, i == 0 ? hours_max : 59, &part[i]);
        if (s == NULL || *s != ':') {
            break;
        }
        s += i < 2;
    }
    *out = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
    return s;
}

/* ,date[/time] */
static const char *parse_rule(const char *s, struct time_rule *rule)
{
    *rule = (struct time_rule){ .kind = RULE_ZERO, .seconds = 2 * 3600 };
    if (*s++ != ',') {
        return NULL;
    }
    if (*s == 'M') {
        rule->kind = RULE_MONTH;
        s = parse_number(s + 1, 12, &rule->month);
        s = s != NULL && *s == '.' ? parse_number(s + 1, 5, &rule->week) : NULL;
        s = s != NULL && *s == '.' ? parse_number(s + 1, 6, &rule->day) : NULL;
        if (s == NULL || rule->month == 0 || rule->week == 0) {
            return NULL;
        }
    } else {
        rule->kind = *s == 'J' ? RULE_JULIAN : RULE_ZERO;
        s = parse_number(s + (*s == 'J'), 365, &rule->day);
        if (s == NULL || (rule->kind == RULE_JULIAN && rule->day == 0)) {
            return NULL;
        }
    }
    return *s == '/' ? parse_time(s + 1, 167, &rule->seconds) : s;
}

static void parse(const char *s, struct time_zone *zone)
{
    int west;
    *zone = (struct time_zone){ .name = { "UTC", "UTC" } };
    s += *s == ':';
    const char *at = parse_name(s, &zone->name[0]);
    if (at == NULL) {
        return;
    }
    zone->name[1] = "";
    at = *at != '\0' ? parse_time(at, 24, &west) : NULL;
    if (at == NULL) {
        return;
    }
    zone->offset[0] = zone->offset[1] = -west;
    zone->name[1] = zone->name[0];
    if (*at == '\0' || (at = parse_name(at, &zone->name[1])) == NULL) {
        return;
    }
    zone->saving = true;
    zone->offset[1] = zone->offset[0] + 3600;
    if (*at != '\0' && *at != ',') {
        at = parse_time(at, 24, &west);
        if (at == NULL) {
            return;
        }
        zone->offset[1] = -west;
    }
    if (*at == '\0') {
        at = ",M3.2.0,M11.1.0"; /* POSIX leaves the default open: glibc's */
    }
    at = parse_rule(at, &zone->start);
    if (at != NULL) {
        at = parse_rule(at, &zone->end);
    }
    if (at == NULL || *at != '\0') {
        zone->saving = false;
    }
}

void time_zone_get(struct time_zone *zone)
{
    libc_mutex_lock(&mutex);
    const char *text = getenv("TZ");
    if (text == NULL || strlen(text) >= TZ_MAX) {
        text = "";
    }
    if (!is_parsed || strcmp(text, parsed) != 0) {
        strcpy(parsed, text);
        parse(text, &current);
        is_parsed = true;
        for (int i = 0; i < 2; i++) {
            tzname[i] = (char *)(uintptr_t)current.name[i];
        }
        timezone = -current.offset[0];
        daylight = current.offset[0] != current.offset[1];
    }
    *zone = current;
    pthread_mutex_unlock(&mutex);
}

void tzset(void)
{
    struct time_zone zone;
    time_zone_get(&zone);
}

/* strftime() of newlib calls it, with a lock of its own. */
void _tzset_unlocked(void)
{
    tzset();
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Seconds since 1970, in local time, of a rule in some year. */
static int64_t rule_time(const struct time_rule *rule, int64_t year)
{
    int64_t day;
    if (rule->kind == RULE_MONTH) {
        day = time_days(year, rule->month - 1, 1);
        int weekday = (int)(((day + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
        day += (rule->day - weekday + 7) % 7 + 7 * (rule->week - 1);
        while (rule->week == 5 && day >= time_days(year, rule->month, 1)) {
            day -= 7; /* the last one */
        }
    } else {
        day = time_days(year, 0, 1) + rule->day;
        if (rule->kind == RULE_JULIAN) {
            day += rule->day >= 60 && is_leap(year) ? 0 : -1;
        }
    }
    return day * DAY_SECONDS + rule->seconds;
}

bool time_zone_saves(const struct time_zone *zone, int64_t t)
{
    struct tm utc;
    if (!zone->saving || time_break(t, 0, &utc) != 0) {
        return false;
    }
    int64_t year = utc.tm_year + 1900ll;
    int64_t start = rule_time(&zone->start, year) - zone->offset[0];
    int64_t end = rule_time(&zone->end, year) - zone->offset[1];
    return start <= end ? t >= start && t < end : t >= start || t < end;
}
