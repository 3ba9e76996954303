/* SPDX-License-Identifier: BSD-2-Clause */
/* Broken-down time: conversions both ways across the changes of daylight saving, and as text. */
#define _GNU_SOURCE
#include "../conform.h"

#include <limits.h>
#include <sys/times.h>
#include <utime.h>

static char buf[200];

static void zone(const char *name)
{
    MUST(setenv("TZ", name, 1));
    tzset();
    printf("-- TZ=%s\n", name);
}

static void show(int line, const struct tm *t)
{
    if (t == NULL) {
        printf("%d: NULL %s\n", line, error_name(errno));
        return;
    }
    printf("%d: %ld-%02d-%02d %02d:%02d:%02d wday %d yday %d dst %d %ld %s\n", line, t->tm_year + 1900L, t->tm_mon + 1,
           t->tm_mday, t->tm_hour, t->tm_min, t->tm_sec, t->tm_wday, t->tm_yday, t->tm_isdst, t->tm_gmtoff,
           t->tm_zone);
}

static const time_t moments[] = {0, -1, 1, 86399, 951782400, 951868799, 1078012800, 1709164800, 1700000000, 2147483647,
    2147483648, -2147483648, 4102444800, 253402300799, 253402300800, -62135596800, -62135596801, 1711846799, 1711846800,
    1729990799, 1729990800, 1729994399, 1729994400, 1710053999, 1710054000, 1730613599, 1730613600, 1730617200,
    67767976233532799, 67767976233619199};

static void breaking(void)
{
    static const char *const zones[] = {"UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0",
        "AEST-10AEDT,M10.1.0,M4.1.0/3", "<+0330>-3:30", "NST3:30NDT,M3.2.0,M11.1.0", "XXX-14", "AAA12",
        "IST-1GMT0,M10.5.0,M3.5.0/1", "JJJ0KKK,J60,J300", "JJJ0KKK,59/1,300/3:30:15", "nonsense", ""};
    for (size_t z = 0; z < sizeof(zones) / sizeof(zones[0]); z++) {
        zone(zones[z]);
        printf("%s %s %ld %d\n", tzname[0], tzname[1], timezone, daylight);
        for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
            struct tm t = {0};
            printf("%ld: ", (long)moments[i]);
            show(__LINE__, localtime_r(&moments[i], &t));
        }
    }
    SAY("gmtime");
    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
        struct tm t = {0};
        show(__LINE__, gmtime_r(&moments[i], &t));
    }
    time_t far = LONG_MAX;
    errno = 0;
    show(__LINE__, gmtime(&far));
    errno = 0;
    show(__LINE__, localtime(&far));
    far = LONG_MIN;
    errno = 0;
    show(__LINE__, gmtime(&far));
    time_t zero = 0;
    IS(gmtime(&zero) == localtime(&zero)); /* one static structure */
}

static void make(int line, int year, int mon, int day, int hour, int min, int sec, int dst)
{
    struct tm t = {.tm_year = year - 1900, .tm_mon = mon - 1, .tm_mday = day, .tm_hour = hour, .tm_min = min,
                   .tm_sec = sec, .tm_isdst = dst, .tm_wday = 9};
    errno = 0;
    time_t made = mktime(&t);
    printf("%d: %d-%d-%d %d:%d:%d dst %d: %ld %s ", line, year, mon, day, hour, min, sec, dst, (long)made,
           made == -1 && t.tm_wday == 9 ? error_name(errno) : "");
    show(line, &t);
}

static void making(void)
{
    static const char *const zones[] = {"UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0",
        "AEST-10AEDT,M10.1.0,M4.1.0/3"};
    for (size_t z = 0; z < sizeof(zones) / sizeof(zones[0]); z++) {
        zone(zones[z]);
        for (int dst = -1; dst <= 1; dst++) {
            make(__LINE__, 1970, 1, 1, 0, 0, 0, dst);
            make(__LINE__, 2024, 1, 15, 12, 0, 0, dst);
            make(__LINE__, 2024, 7, 15, 12, 0, 0, dst);
            make(__LINE__, 2024, 3, 31, 1, 59, 59, dst);
            make(__LINE__, 2024, 3, 31, 3, 0, 0, dst);
            make(__LINE__, 2024, 10, 27, 1, 59, 59, dst);
            make(__LINE__, 2024, 10, 27, 3, 0, 0, dst);
        }
        make(__LINE__, 2024, 3, 10, 1, 59, 59, -1);
        make(__LINE__, 2024, 3, 10, 3, 0, 0, -1);
        make(__LINE__, 2024, 2, 30, 0, 0, 0, -1);
        make(__LINE__, 2023, 2, 29, 0, 0, 0, -1);
        make(__LINE__, 2024, 13, 1, 0, 0, 0, -1);
        make(__LINE__, 2024, 0, 1, 0, 0, 0, -1);
        make(__LINE__, 2024, -11, 1, 0, 0, 0, -1);
        make(__LINE__, 2024, 1, 0, 0, 0, 0, -1);
        make(__LINE__, 2024, 1, 1, 0, 0, -1, -1);
        make(__LINE__, 2024, 1, 1, 25, 61, 3601, -1);
        make(__LINE__, 2024, 1, 400, 0, 0, 0, -1);
        make(__LINE__, 1900, 1, 1, 0, 0, 0, 0);
        make(__LINE__, 1969, 12, 31, 23, 59, 59, 0);
        make(__LINE__, 2038, 1, 19, 3, 14, 8, 0);
        make(__LINE__, 9999, 12, 31, 23, 59, 59, 0);
        make(__LINE__, 1, 1, 1, 0, 0, 0, 0);
        make(__LINE__, 2024, 2, 29, 12, 30, INT_MAX, 0);
    }
    SAY("round trip of each day of some years");
    zone("CET-1CEST,M3.5.0,M10.5.0/3");
    long sum = 0, wrong = 0;
    for (time_t t = 946684800; t < 946684800 + 86400L * 366 * 30; t += 43200 + 7) {
        struct tm b;
        localtime_r(&t, &b);
        sum = sum * 31 + b.tm_hour + b.tm_yday * 24 + b.tm_isdst;
        wrong += mktime(&b) != t;
    }
    SHOW(sum);
    SHOW(wrong);
    REAL(difftime(10, 4));
    REAL(difftime(-5, LONG_MAX));
}

static void texts(void)
{
    static const char *const formats[] = {"%a", "%A", "%b", "%B", "%c", "%C", "%d", "%D", "%e", "%F", "%g", "%G", "%h", "%H",
        "%I", "%j", "%k", "%l", "%m", "%M", "%n", "%p", "%P", "%r", "%R", "%s", "%S", "%t", "%T", "%u", "%U", "%V", "%w", "%W",
        "%x", "%X", "%y", "%Y", "%z", "%Z", "%%", "%Ec", "%EC", "%Ex", "%EX", "%Ey", "%EY", "%Od", "%OH", "%OS", "%5Y", "%-d",
        "%_H", "%^a", "%010Y"};
    zone("CET-1CEST,M3.5.0,M10.5.0/3");
    static const time_t at[] = {0, 1709164800, 1725123456, 1735689599, 1704067200, 978307199, -86400};
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        struct tm t;
        localtime_r(&at[i], &t);
        for (size_t f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
            size_t n = strftime(buf, sizeof(buf), formats[f], &t);
            printf("%ld %s: %zu ", (long)at[i], formats[f], n);
            print_bytes(buf, n);
            putchar('\n');
        }
    }
    struct tm t = {.tm_year = 124, .tm_mon = 1, .tm_mday = 29, .tm_hour = 13, .tm_min = 5, .tm_sec = 9, .tm_wday = 4,
                   .tm_yday = 59};
    SAY("room");
    SHOW((long)strftime(buf, 10, "%Y-%m-%d", &t));
    SHOW((long)strftime(buf, 11, "%Y-%m-%d", &t));
    STR(buf);
    SHOW((long)strftime(buf, 0, "%Y", &t));
    SHOW((long)strftime(buf, 5, "", &t));
    SAY("asctime, ctime");
    STR(asctime(&t));
    time_t when = 1725123456;
    STR(ctime(&when));
    STR(ctime_r(&when, buf));
    t.tm_mday = 1;
    STR(asctime_r(&t, buf));
    SAY("strptime");
    static const char *const parsed[][2] = {{"2024-02-29 13:05:09", "%Y-%m-%d %H:%M:%S"}, {"29 Feb 2024", "%d %b %Y"},
        {"Thursday, february 29", "%A, %B %d"}, {"12/31/99", "%D"}, {"12/31/68", "%D"}, {"12/31/69", "%D"}, {"23:59", "%R"},
        {"11:30:00 PM", "%r"}, {"12:00 AM", "%I:%M %p"}, {"12:00 pm", "%I:%M %p"}, {"60", "%S"}, {"62", "%S"}, {"24", "%H"},
        {"00", "%d"}, {"32", "%d"}, {"366", "%j"}, {"367", "%j"}, {"  5", "%d"}, {"5x", "%dx"}, {"5y", "%dx"}, {"", "%d"},
        {"%", "%%"}, {"1725123456", "%s"}, {"2024 10", "%Y%n%m"}, {"Thu Feb 29 13:05:09 2024", "%c"}, {"2024-02-29", "%F"},
        {"13:05:09", "%T"}, {"20 24", "%C %y"}, {"9999", "%Y"}, {"+0230", "%z"}};
    for (size_t i = 0; i < sizeof(parsed) / sizeof(parsed[0]); i++) {
        struct tm p = {.tm_mday = 0};
        char *end_ = strptime(parsed[i][0], parsed[i][1], &p);
        printf("%s by %s: %ld: ", parsed[i][0], parsed[i][1], end_ ? (long)(end_ - parsed[i][0]) : -1L);
        if (end_ == NULL) {
            putchar('\n');
        } else {
            printf("%d-%d-%d %d:%d:%d wday %d yday %d\n", p.tm_year, p.tm_mon, p.tm_mday, p.tm_hour, p.tm_min, p.tm_sec,
                   p.tm_wday, p.tm_yday);
        }
    }
}

static void clocks(void)
{
    struct timespec a, b;
    struct timeval v;
    struct tms cpu;
    SAY("clocks");
    static const clockid_t ids[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_BOOTTIME};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        CALL(clock_gettime(ids[i], &a));
        CALL(clock_gettime(ids[i], &b));
        IS(b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
        CALL(clock_getres(ids[i], &a));
        SHOW(a.tv_sec);
        CALL(clock_getres(ids[i], NULL));
    }
    CALL(clock_gettime(77, &a));
    CALL(clock_getres(77, &a));
    CALL(clock_settime(CLOCK_MONOTONIC, &a));
    CALL(clock_settime(CLOCK_REALTIME, &(struct timespec){0, -1}));
    CALL(clock_settime(CLOCK_REALTIME, &(struct timespec){0, 1000000000}));
    CALL(gettimeofday(&v, NULL));
    time_t now = time(NULL), same;
    IS(now - v.tv_sec <= 1 && time(&same) - now <= 1);
    IS(clock() != (clock_t)-1);
    IS(times(&cpu) != (clock_t)-1);
    CALL(nanosleep(&(struct timespec){0, 1000000}, NULL));
    CALL(nanosleep(&(struct timespec){0, -1}, NULL));
    CALL(nanosleep(&(struct timespec){0, 1000000000}, NULL));
    CALL(nanosleep(&(struct timespec){-1, 0}, NULL));
    CALL(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, 1000}, NULL));
    CALL(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){0, 0}, NULL));
    SHOW(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, -5}, NULL) == EINVAL);
    SHOW(clock_nanosleep(77, 0, &(struct timespec){0, 5}, NULL) == EINVAL);
    CALL(usleep(1000));
    SHOW(sleep(0));
}

int main(void)
{
    begin();
    breaking();
    making();
    texts();
    clocks();
    return end();
}
