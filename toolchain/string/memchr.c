/* SPDX-License-Identifier: BSD-2-Clause */
/* memchr and strnlen, which is where a zero is or else the bound. */
#include "vector.h"

#define ROUND 4 /* vectors */

static __attribute__((noinline)) const char *find(const char *s, int byte, const char *end)
{
    const __m128i wanted = _mm_set1_epi8((char)byte);
    const __m128i *p = vector_at(s);
    unsigned found = vector_from(s, vector_equal(*p, wanted));
    while (found == 0) {
        p++;
        while ((uintptr_t)p % (ROUND * VECTOR) == 0 && (const char *)p < end) {
            __m128i a = _mm_or_si128(_mm_cmpeq_epi8(p[0], wanted), _mm_cmpeq_epi8(p[1], wanted));
            __m128i b = _mm_or_si128(_mm_cmpeq_epi8(p[2], wanted), _mm_cmpeq_epi8(p[3], wanted));
            if (_mm_movemask_epi8(_mm_or_si128(a, b)) != 0) {
                break;
            }
            p += ROUND;
        }
        if ((const char *)p >= end) {
            return end;
        }
        found = vector_equal(*p, wanted);
    }
    const char *at = (const char *)p + vector_first(found);
    return at < end ? at : end;
}

/* Where `size` bytes end; a size that nothing can have means the end of the address space. */
static inline const char *end_of(const char *s, size_t size)
{
    return size <= UINTPTR_MAX - (uintptr_t)s ? s + size : (const char *)UINTPTR_MAX;
}

void *memchr(const void *s, int byte, size_t size)
{
    const char *end = end_of(s, size);
    const char *at = size > 0 ? find(s, byte, end) : end;
    return at < end ? (void *)at : NULL;
}

size_t strnlen(const char *s, size_t most)
{
    return most > 0 ? (size_t)(find(s, '\0', end_of(s, most)) - s) : 0;
}
