/* SPDX-License-Identifier: BSD-2-Clause */
/* Loops that keep a pattern in every vector register, for as long as some preemptions take. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Fill the registers from `pattern`, each differently, wait, compare; returns how many were wrong.
 */
unsigned vectors_sse(uint64_t pattern);    /* xmm0-15 */
unsigned vectors_avx(uint64_t pattern);    /* ymm0-15 */
unsigned vectors_avx512(uint64_t pattern); /* zmm0-31, k1-k7 */

/* Whether CPUID and XGETBV say that the wider ones may be used. */
bool vectors_have_avx(void);
bool vectors_have_avx512(void);
