/* SPDX-License-Identifier: BSD-2-Clause */
/* From the times that POSIX calls take to deadlines of the monotonic clock. */
#pragma once

#include <stdint.h>
#include <time.h>

#define NS_PER_SECOND 1000000000ull
#define NO_DEADLINE   UINT64_MAX

/* A span of time; saturates. Errors: -EINVAL (negative, or tv_nsec out of range). */
int span_ns(const struct timespec *span, uint64_t *out);

/*
 * The deadline that an absolute time of `clock` means; a time in the past gives one in the past.
 * Errors: -EINVAL (tv_nsec out of range, or a clock that nobody can wait for).
 */
int deadline_ns(clockid_t clock, const struct timespec *abstime, uint64_t *out);

/* ns since 1970 as clock_gettime(CLOCK_REALTIME) tells it, with the program's own setting. */
uint64_t realtime_ns(void);
