/* SPDX-License-Identifier: BSD-2-Clause */
/* strlen: 128 bytes a round, once the pointer is aligned to that. */
#include "vector.h"

#define ROUND 8 /* vectors */

/* Has a zero where one of the vectors has one. */
static inline __m128i least(const __m128i *p)
{
    __m128i v = p[0];
#pragma GCC unroll 8
    for (int i = 1; i < ROUND; i++) {
        v = _mm_min_epu8(v, p[i]);
    }
    return v;
}

size_t strlen(const char *s)
{
    const __m128i zero = _mm_setzero_si128();
    const __m128i *p = vector_at(s);
    unsigned found = vector_from(s, vector_equal(*p, zero));
    while (found == 0 && (uintptr_t)++p % (ROUND * VECTOR) != 0) {
        found = vector_equal(*p, zero);
    }
    if (found == 0) {
        while (vector_equal(least(p), zero) == 0) {
            p += ROUND;
        }
        while ((found = vector_equal(*p, zero)) == 0) {
            p++;
        }
    }
    return (size_t)((const char *)p + vector_first(found) - s);
}
