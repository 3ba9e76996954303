/* SPDX-License-Identifier: BSD-2-Clause */
/* strncmp: by vectors. */
#include "compare.h"

static inline unsigned ended(const unsigned char *a, const unsigned char *b)
{
    __m128i v = _mm_loadu_si128((const __m128i *)a);
    __m128i same = _mm_cmpeq_epi8(v, _mm_loadu_si128((const __m128i *)b));
    return vector_equal(_mm_min_epu8(v, same), _mm_setzero_si128());
}

static inline int itself(unsigned char c)
{
    return c;
}

int strncmp(const char *one, const char *other, size_t n)
{
    return compare_strings((const unsigned char *)one, (const unsigned char *)other, n, true, ended, itself);
}
