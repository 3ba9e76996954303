/* SPDX-License-Identifier: BSD-2-Clause */
/* Dates in headers: RFC 9110, 5.6.7. Pure; neither locale nor time zone matter. */
#pragma once

#include <stdbool.h>
#include <time.h>

#include "slice.h"

#define DATE_SIZE 30 /* "Sun, 06 Nov 1994 08:49:37 GMT" and its zero */

/* Write it as IMF-fixdate; a time outside the years 0 to 9999 becomes 1970-01-01. */
void date_format(time_t when, char out[DATE_SIZE]);

/* Read any of the three forms that a recipient has to understand. false: it is none. */
bool date_parse(struct slice s, time_t *when);
