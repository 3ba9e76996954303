/* SPDX-License-Identifier: BSD-2-Clause */
/* memrchr: from the end, by aligned vectors. */
#include "vector.h"

void *memrchr(const void *s, int byte, size_t size)
{
    const __m128i wanted = _mm_set1_epi8((char)byte);
    const char *begin = s;
    if (size == 0) {
        return NULL;
    }
    const char *last = begin + size - 1;
    const __m128i *p = vector_at(last);
    /* The bits of bytes behind the last one are none of ours. */
    unsigned found = vector_equal(*p, wanted) & (0xffffu >> (VECTOR - 1 - (uintptr_t)last % VECTOR));
    while (found == 0 && (const char *)p > begin) {
        p--;
        found = vector_equal(*p, wanted);
    }
    if (found == 0) {
        return NULL;
    }
    const char *at = (const char *)p + 31 - __builtin_clz(found);
    return at >= begin ? (void *)at : NULL;
}
