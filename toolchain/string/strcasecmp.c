/* SPDX-License-Identifier: BSD-2-Clause */
/* strcasecmp and strncasecmp: by vectors, for the letters of ASCII, which are those of all our locales. */
#include <strings.h>

#include "compare.h"

static inline int lower(unsigned char c)
{
    return (unsigned char)(c - 'A') < 26 ? c + ('a' - 'A') : c;
}

static inline unsigned ended(const unsigned char *a, const unsigned char *b)
{
    const __m128i bit = _mm_set1_epi8('a' - 'A');
    __m128i v = _mm_loadu_si128((const __m128i *)a);
    __m128i differ = _mm_xor_si128(v, _mm_loadu_si128((const __m128i *)b));
    /* The same letter, large and small, differs in that bit alone; bytes from 0x80 on are less than 'a' here. */
    __m128i small = _mm_or_si128(v, bit);
    __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(small, _mm_set1_epi8('a' - 1)),
                                   _mm_cmpgt_epi8(_mm_set1_epi8('z' + 1), small));
    __m128i same = _mm_or_si128(_mm_cmpeq_epi8(differ, _mm_setzero_si128()),
                                _mm_and_si128(_mm_cmpeq_epi8(differ, bit), letter));
    return vector_equal(_mm_min_epu8(v, same), _mm_setzero_si128());
}

int strcasecmp(const char *one, const char *other)
{
    return compare_strings((const unsigned char *)one, (const unsigned char *)other, 0, false, ended, lower);
}

int strncasecmp(const char *one, const char *other, size_t n)
{
    return compare_strings((const unsigned char *)one, (const unsigned char *)other, n, true, ended, lower);
}
