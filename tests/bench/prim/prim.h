/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of prim share. */
#pragma once

#include <stdint.h>

/* Print the median of several runs of op(n), per operation, after one that does not count. */
void measure(const char *name, unsigned n, void (*op)(unsigned n));

/* Where results go, so that the compiler keeps what makes them. */
extern volatile long sink;

/* The parts. A measure that can't be prepared is left out. */
void measure_threads(void);
void measure_descriptors(void);
void measure_pages(void);
