/* SPDX-License-Identifier: BSD-2-Clause */
/* The MC146818 clock behind ports 0x70 and 0x71 (Motorola data sheet, "Address Map"). */
#include <kvm/rtc.h>

#include <stddef.h>

#include <x86/cpu.h>

#define RTC_INDEX 0x70
#define RTC_DATA  0x71

#define RTC_SECOND   0x00
#define RTC_MINUTE   0x02
#define RTC_HOUR     0x04
#define RTC_DAY      0x07
#define RTC_MONTH    0x08
#define RTC_YEAR     0x09
#define RTC_STATUS_A 0x0a
#define RTC_STATUS_B 0x0b
#define RTC_CENTURY  0x32 /* where QEMU and most firmware keep it */

#define STATUS_A_UPDATING 0x80
#define STATUS_B_24H      0x02
#define STATUS_B_BINARY   0x04
#define HOUR_PM           0x80

/*
 * An update takes 2 ms at most; this is 10 to 40 ms. Time alone says little: on a host with much to
 * do all of it may pass between two instructions.
 */
#define WAIT_CYCLES (1ULL << 25)
#define LEAST_TRIES 1000

static unsigned decode(uint8_t v, bool binary)
{
    return binary ? v : (unsigned)(v >> 4) * 10 + (v & 15);
}

/* Days since 1970-01-01 of a date of the Gregorian calendar; March is the first month here. */
static uint64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
    unsigned y = month <= 2 ? year - 1 : year;
    unsigned m = month <= 2 ? month + 9 : month - 3;
    uint64_t days = 365ULL * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    return days - 719468; /* from 0000-03-01 to 1970-01-01 */
}

uint64_t rtc_seconds(const struct rtc_date *date)
{
    bool binary = (date->status_b & STATUS_B_BINARY) != 0;
    unsigned second = decode(date->second, binary);
    unsigned minute = decode(date->minute, binary);
    unsigned hour = decode(date->hour, binary);
    if ((date->status_b & STATUS_B_24H) == 0) {
        hour = decode(date->hour & (uint8_t)~HOUR_PM, binary) % 12;
        hour += (date->hour & HOUR_PM) ? 12 : 0;
    }
    unsigned day = decode(date->day, binary);
    unsigned month = decode(date->month, binary);
    unsigned year = decode(date->year, binary);
    unsigned century = decode(date->century, binary);
    if (century < 19 || century > 29) {
        century = 20; /* not every machine has the register */
    }
    if (second > 60 || minute > 59 || hour > 23 || day < 1 || day > 31 || month < 1 || month > 12 ||
        year > 99) {
        return 0;
    }
    year += century * 100;
    if (year < 1970) {
        return 0;
    }
    return days_since_1970(year, month, day) * 86400 + hour * 3600ULL + minute * 60 + second;
}

static uint8_t rtc_register(uint8_t index)
{
    outb(RTC_INDEX, index);
    return inb(RTC_DATA);
}

static void read_date(struct rtc_date *d)
{
    *d = (struct rtc_date){
        .second = rtc_register(RTC_SECOND),
        .minute = rtc_register(RTC_MINUTE),
        .hour = rtc_register(RTC_HOUR),
        .day = rtc_register(RTC_DAY),
        .month = rtc_register(RTC_MONTH),
        .year = rtc_register(RTC_YEAR),
        .century = rtc_register(RTC_CENTURY),
        .status_b = rtc_register(RTC_STATUS_B),
    };
}

uint64_t rtc_read(void)
{
    uint64_t start = rdtsc();
    uint64_t previous = 0;
    /* Two equal readings without an update between them; a chip that is always updating is none. */
    for (unsigned i = 0; i < LEAST_TRIES || rdtsc() - start < WAIT_CYCLES; i++) {
        if (rtc_register(RTC_STATUS_A) & STATUS_A_UPDATING) {
            continue;
        }
        struct rtc_date date;
        read_date(&date);
        uint64_t now = rtc_seconds(&date);
        if (now == 0) {
            return 0;
        }
        if (now == previous) {
            return now;
        }
        previous = now;
    }
    return 0;
}
