/* SPDX-License-Identifier: BSD-2-Clause */
/* strcmp: by vectors, except where one of the strings comes near the end of a page. */
#include "vector.h"

static inline size_t left_in_page(const unsigned char *p)
{
    return PAGE - (uintptr_t)p % PAGE;
}

int strcmp(const char *one, const char *other)
{
    const unsigned char *a = (const unsigned char *)one, *b = (const unsigned char *)other;
    const __m128i zero = _mm_setzero_si128();
    for (;;) {
        size_t left = left_in_page(a) < left_in_page(b) ? left_in_page(a) : left_in_page(b);
        for (; left >= VECTOR; left -= VECTOR, a += VECTOR, b += VECTOR) {
            __m128i v = _mm_loadu_si128((const __m128i *)a);
            /* Zero where the bytes differ, or where they are the strings' ends. */
            __m128i same = _mm_cmpeq_epi8(v, _mm_loadu_si128((const __m128i *)b));
            unsigned ended = vector_equal(_mm_min_epu8(v, same), zero);
            if (ended != 0) {
                unsigned at = vector_first(ended);
                return a[at] - b[at];
            }
        }
        for (; left > 0; left--, a++, b++) {
            if (*a != *b || *a == '\0') {
                return *a - *b;
            }
        }
    }
}
