/* SPDX-License-Identifier: BSD-2-Clause */
/* The PC's CMOS clock: the date, where no paravirtual clock tells it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The raw registers of a date, as the chip holds them; status_b says in which format. */
struct rtc_date {
    uint8_t second, minute, hour, day, month, year, century, status_b;
};

/* Seconds since 1970-01-01 UTC, or 0 when the registers hold no date. A century of 0 means 20. */
uint64_t rtc_seconds(const struct rtc_date *date);

/*
 * Read the clock, which is taken to run in UTC. Returns seconds since 1970-01-01, 0 when there is
 * no clock or it does not settle. Waits 10 ms at most. Context: thread.
 */
uint64_t rtc_read(void);
