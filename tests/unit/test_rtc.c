/* sources: platform/kvm/rtc.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The CMOS clock's date formats, against the host's calendar. */
#include <time.h>

#include <kvm/rtc.h>

#include "unit.h"

static uint8_t bcd(unsigned v)
{
    return (uint8_t)(v / 10 << 4 | v % 10);
}

static void check(time_t t)
{
    struct tm tm;
    gmtime_r(&t, &tm);
    unsigned year = (unsigned)tm.tm_year + 1900;
    struct rtc_date d = {
        bcd((unsigned)tm.tm_sec), bcd((unsigned)tm.tm_min), bcd((unsigned)tm.tm_hour),
        bcd((unsigned)tm.tm_mday), bcd((unsigned)tm.tm_mon + 1), bcd(year % 100),
        bcd(year / 100), 0x02
    };
    EXPECT(rtc_seconds(&d) == (uint64_t)t);
    struct rtc_date binary = {
        (uint8_t)tm.tm_sec, (uint8_t)tm.tm_min, (uint8_t)tm.tm_hour, (uint8_t)tm.tm_mday,
        (uint8_t)(tm.tm_mon + 1), (uint8_t)(year % 100), (uint8_t)(year / 100), 0x06
    };
    EXPECT(rtc_seconds(&binary) == (uint64_t)t);
    unsigned hour = (unsigned)tm.tm_hour % 12 == 0 ? 12 : (unsigned)tm.tm_hour % 12;
    d.hour = (uint8_t)(bcd(hour) | (tm.tm_hour >= 12 ? 0x80 : 0));
    d.status_b = 0; /* 12 hours */
    EXPECT(rtc_seconds(&d) == (uint64_t)t);
}

int main(void)
{
    uint64_t seed = 20261121;
    for (unsigned i = 0; i < 20000; i++) {
        check((time_t)(unit_random(&seed) % 10413792000ULL)); /* up to 2299 */
    }
    check(0);
    check(951782400); /* 2000-02-29 */
    struct rtc_date none = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    EXPECT(rtc_seconds(&none) == 0);
    struct rtc_date month_0 = { 0, 0, 0, 1, 0, 0x26, 0x20, 2 };
    EXPECT(rtc_seconds(&month_0) == 0);
    struct rtc_date no_century = { 0, 0, 0, 1, 1, 0x26, 0, 2 };
    EXPECT(rtc_seconds(&no_century) == 1767225600);
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t r = unit_random(&seed);
        struct rtc_date any;
        memcpy(&any, &r, sizeof any);
        EXPECT(rtc_seconds(&any) < 32503680000ULL); /* the year 3000 */
    }
    return unit_done();
}
