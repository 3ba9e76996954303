/* SPDX-License-Identifier: BSD-2-Clause */
/* strrchr: the last one that came by when the end does. */
#include "vector.h"

static inline unsigned vector_last(unsigned bits)
{
    return 31u - (unsigned)__builtin_clz(bits);
}

char *strrchr(const char *s, int byte)
{
    const __m128i zero = _mm_setzero_si128(), wanted = _mm_set1_epi8((char)byte);
    const __m128i *p = vector_at(s);
    unsigned end = vector_from(s, vector_equal(*p, zero)), found = vector_from(s, vector_equal(*p, wanted));
    const char *last = NULL;
    while (end == 0) {
        if (found != 0) {
            last = (const char *)p + vector_last(found);
        }
        p++;
        end = vector_equal(*p, zero);
        found = vector_equal(*p, wanted);
    }
    found &= end ^ (end - 1); /* up to the first zero, which may be what is wanted */
    return (char *)(found != 0 ? (const char *)p + vector_last(found) : last);
}
