/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sixteen bytes at a time, for functions that look for something.
 *
 * They read whole aligned vectors, so bytes before and behind what was asked for too: those lie in
 * the same page, never in one that isn't there. Only threads may call them, since nobody saves vector
 * registers in an interrupt: libos/core and platform/ get newlib's, as plain_*, by interrupt.h.
 */
#pragma once

#include <emmintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VECTOR 16
#define PAGE   4096

/* What the CPU has beside SSE2: memcpy.S, set by the platform at the start. */
extern uint8_t __string_wide;
#define STRING_AVX2 2

static inline const __m128i *vector_at(const void *p)
{
    return (const __m128i *)((uintptr_t)p & -(uintptr_t)VECTOR);
}

/* A bit for each byte of the vector that equals the one of `wanted`. */
static inline unsigned vector_equal(__m128i v, __m128i wanted)
{
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, wanted));
}

static inline unsigned vector_first(unsigned bits)
{
    return (unsigned)__builtin_ctz(bits);
}

/* The bits of bytes from p on, of those of the vector that p lies in. */
static inline unsigned vector_from(const void *p, unsigned bits)
{
    return bits & (~0u << ((uintptr_t)p % VECTOR));
}
