/* SPDX-License-Identifier: BSD-2-Clause */
/* strchr: the byte that is looked for, or the end, whichever is first. */
#include "vector.h"

char *strchr(const char *s, int byte)
{
    const __m128i zero = _mm_setzero_si128(), wanted = _mm_set1_epi8((char)byte);
    const __m128i *p = vector_at(s);
    /* Equal bytes differ in no bit: the lesser of that and the byte itself is zero in both cases. */
    unsigned found = vector_from(s, vector_equal(_mm_min_epu8(_mm_xor_si128(*p, wanted), *p), zero));
    while (found == 0) {
        p++;
        found = vector_equal(_mm_min_epu8(_mm_xor_si128(*p, wanted), *p), zero);
    }
    const char *at = (const char *)p + vector_first(found);
    return *at == (char)byte ? (char *)at : NULL;
}
