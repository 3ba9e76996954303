/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of the self-test's table and the two clocks that it measures with. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Print one row; a false `good` makes the whole self-test fail. */
void row(const char *name, bool good, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A row that only tells something. */
void note(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

uint64_t now_ns(void);   /* monotonic */
uint64_t cycles(void);   /* the time stamp counter, ordered after earlier loads */

void test_machine(void); /* machine.c */
void test_features(void);
void test_speed(void);   /* speed.c */
void test_clocks(void);  /* clocks.c */
void test_threads(void); /* threads.c */
