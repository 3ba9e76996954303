/* SPDX-License-Identifier: BSD-2-Clause */
/* memcmp: nothing is read beyond the bytes that are named. */
#include "vector.h"

#define ALL 0xffffu

static inline int differ(const unsigned char *a, const unsigned char *b, size_t at)
{
    return a[at] - b[at];
}

/* The first 2 to 8 and the last as many bytes, most significant first, as numbers. */
static inline uint64_t word(const unsigned char *p, size_t size)
{
    uint64_t eight;
    uint32_t four;
    uint16_t two;
    switch (size) {
    case 8:
        __builtin_memcpy(&eight, p, sizeof(eight));
        return __builtin_bswap64(eight);
    case 4:
        __builtin_memcpy(&four, p, sizeof(four));
        return __builtin_bswap32(four);
    default:
        __builtin_memcpy(&two, p, sizeof(two));
        return __builtin_bswap16(two);
    }
}

/* Of `part` to twice as many bytes: those at both ends, which may overlap. */
static inline int ends(const unsigned char *a, const unsigned char *b, size_t size, size_t part)
{
    uint64_t x = word(a, part), y = word(b, part);
    if (x == y) {
        x = word(a + size - part, part);
        y = word(b + size - part, part);
    }
    return (x > y) - (x < y);
}

static int shorter(const unsigned char *a, const unsigned char *b, size_t size)
{
    if (size >= 8) {
        return ends(a, b, size, 8);
    }
    if (size >= 4) {
        return ends(a, b, size, 4);
    }
    if (size >= 2) {
        return ends(a, b, size, 2);
    }
    return size == 1 ? differ(a, b, 0) : 0;
}

static inline unsigned equal_at(const unsigned char *a, const unsigned char *b, size_t at)
{
    return vector_equal(_mm_loadu_si128((const __m128i *)(a + at)), _mm_loadu_si128((const __m128i *)(b + at)));
}

int memcmp(const void *one, const void *other, size_t size)
{
    const unsigned char *a = one, *b = other;
    if (size < VECTOR) {
        return shorter(a, b, size);
    }
    size_t last = size - VECTOR; /* where the last whole vector begins; it may overlap */
    for (size_t at = 0;; at = at + VECTOR < last ? at + VECTOR : last) {
        unsigned equal = equal_at(a, b, at);
        if (equal != ALL) {
            return differ(a, b, at + vector_first(~equal));
        }
        if (at == last) {
            return 0;
        }
    }
}
