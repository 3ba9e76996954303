/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * strlen: 128 bytes a round, once the pointer is aligned to that. By sixteen bytes, or, where the string is longer
 * than the first of those and the CPU has AVX2, by thirty-two.
 */
#include "vector.h"

#include <immintrin.h>
#include <stdbool.h>

#define ROUND 128 /* bytes */

/* Has a zero where one of the vectors has one. */
static inline __m128i least(const __m128i *p)
{
    __m128i v = p[0];
#pragma GCC unroll 8
    for (int i = 1; i < ROUND / VECTOR; i++) {
        v = _mm_min_epu8(v, p[i]);
    }
    return v;
}

/* No zero comes before p, a multiple of VECTOR. */
static size_t go_on(const char *s, const __m128i *p)
{
    const __m128i zero = _mm_setzero_si128();
    unsigned found = 0;
    while ((uintptr_t)p % ROUND != 0 && (found = vector_equal(*p, zero)) == 0) {
        p++;
    }
    if (found == 0) {
        while (vector_equal(least(p), zero) == 0) {
            p += ROUND / VECTOR;
        }
        while ((found = vector_equal(*p, zero)) == 0) {
            p++;
        }
    }
    return (size_t)((const char *)p + vector_first(found) - s);
}

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline unsigned zeros(__m256i v)
{
    return (unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_setzero_si256()));
}

/* Whether one of four vectors has a zero. */
AVX2 static inline bool zero_in_round(const __m256i *p)
{
    __m256i v = _mm256_min_epu8(_mm256_min_epu8(_mm256_min_epu8(p[0], p[1]), p[2]), p[3]);
    v = _mm256_cmpeq_epi8(v, _mm256_setzero_si256());
    return !_mm256_testz_si256(v, v);
}

/* go_on() by twice as wide vectors. `from` is not the string's first vector. */
AVX2 static size_t go_on_wide(const char *s, const __m128i *from)
{
    const char *p = (const char *)from;
    unsigned found = 0;
    if ((uintptr_t)p % sizeof(__m256i) != 0) {
        found = vector_equal(*from, _mm_setzero_si128());
        if (found != 0) {
            return (size_t)(p + vector_first(found) - s);
        }
        p += VECTOR;
    }
    while ((uintptr_t)p % ROUND != 0 && (found = zeros(*(const __m256i *)p)) == 0) {
        p += sizeof(__m256i);
    }
    if (found == 0) {
        const __m256i *v = (const __m256i *)p;
        while (!zero_in_round(v)) {
            v += ROUND / sizeof(__m256i);
        }
        while ((found = zeros(*v)) == 0) {
            v++;
        }
        p = (const char *)v;
    }
    return (size_t)(p + vector_first(found) - s);
}

size_t strlen(const char *s)
{
    const __m128i *p = vector_at(s);
    unsigned found = vector_from(s, vector_equal(*p, _mm_setzero_si128()));
    if (found != 0) {
        return (size_t)((const char *)p + vector_first(found) - s);
    }
    return __builtin_expect(__string_wide & STRING_AVX2, 1) ? go_on_wide(s, p + 1) : go_on(s, p + 1);
}
