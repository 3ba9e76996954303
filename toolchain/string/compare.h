/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How strings are compared by vectors: sixteen bytes of each, and single bytes where one of them comes near
 * the end of a page.
 */
#pragma once

#include <stdbool.h>

#include "vector.h"

/* Whether a vector at each of two places lies in one page; no, where it might not. */
static inline bool vectors_in_page(const unsigned char *a, const unsigned char *b)
{
    return (((uintptr_t)a | (uintptr_t)b) % PAGE) <= PAGE - VECTOR;
}

/*
 * Compare up to n bytes, or without a bound. ended() has a bit for each byte of the vectors where the strings
 * differ or `a` ends; fold() is what a byte counts as. Inline with both, which are known.
 */
static inline __attribute__((always_inline)) int
compare_strings(const unsigned char *a, const unsigned char *b, size_t n, bool bounded,
                unsigned (*ended)(const unsigned char *a, const unsigned char *b), int (*fold)(unsigned char c))
{
    for (;;) {
        while (vectors_in_page(a, b)) {
            unsigned found = ended(a, b);
            if (bounded && n < VECTOR) {
                found &= (1u << n) - 1;
            }
            if (found != 0) {
                unsigned at = vector_first(found);
                return fold(a[at]) - fold(b[at]);
            }
            if (bounded && n <= VECTOR) {
                return 0;
            }
            a += VECTOR;
            b += VECTOR;
            n -= VECTOR;
        }
        for (int i = 0; i < VECTOR; i++, a++, b++, n--) {
            if (bounded && n == 0) {
                return 0;
            }
            int x = fold(*a), y = fold(*b);
            if (x != y || x == 0) {
                return x - y;
            }
        }
    }
}
