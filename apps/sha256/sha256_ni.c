/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SHA-256 by the CPU's SHA instructions (Intel SDM vol 2, SHA256RNDS2, SHA256MSG1, SHA256MSG2).
 *
 * They keep the eight words as two vectors, ABEF and CDGH, and do two rounds at a time.
 */
#include <cpuid.h>
#include <immintrin.h>

#include "sha256.h"

#define NI __attribute__((target("sha,ssse3,sse4.1")))

#define CPUID1_SSSE3   (1u << 9)
#define CPUID1_SSE41   (1u << 19)
#define CPUID1_OSXSAVE (1u << 27)
#define CPUID7_SHA     (1u << 29)
#define XCR0_SSE       2u

bool sha256_has_ni(void)
{
    unsigned a, b, c, d, xcr0 = XCR0_SSE, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & CPUID1_SSSE3) || !(c & CPUID1_SSE41)) {
        return false;
    }
    if (c & CPUID1_OSXSAVE) {
        __asm__("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
    }
    return (xcr0 & XCR0_SSE) && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & CPUID7_SHA);
}

/* Four rounds with the message words m; k is their place in the table of constants. */
NI static inline void rounds(__m128i *abef, __m128i *cdgh, __m128i m, const uint32_t *k)
{
    __m128i wk = _mm_add_epi32(m, _mm_loadu_si128((const __m128i *)k));
    *cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, wk);
    wk = _mm_shuffle_epi32(wk, 0x0e); /* the upper two words */
    *abef = _mm_sha256rnds2_epu32(*abef, *cdgh, wk);
}

/* The four message words that follow m0 .. m3. */
NI static inline __m128i following(__m128i m0, __m128i m1, __m128i m2, __m128i m3)
{
    __m128i t = _mm_add_epi32(_mm_sha256msg1_epu32(m0, m1), _mm_alignr_epi8(m3, m2, 4));
    return _mm_sha256msg2_epu32(t, m3);
}

NI static inline __m128i load(const unsigned char *p)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), big_endian);
}

NI void sha256_blocks_ni(uint32_t state[8], const unsigned char *data, size_t n)
{
    /* From words 0..7 (a..h) in memory to the two vectors; the highest word is named first. */
    __m128i dcba = _mm_loadu_si128((const __m128i *)(const void *)&state[0]);
    __m128i hgfe = _mm_loadu_si128((const __m128i *)(const void *)&state[4]);
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1);
    __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
    __m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
    for (; n != 0; n--, data += SHA256_BLOCK) {
        __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i m0 = load(data), m1 = load(data + 16), m2 = load(data + 32), m3 = load(data + 48);
        for (unsigned t = 0; t < 48; t += 16) {
            rounds(&abef, &cdgh, m0, &sha256_k[t]);
            m0 = following(m0, m1, m2, m3);
            rounds(&abef, &cdgh, m1, &sha256_k[t + 4]);
            m1 = following(m1, m2, m3, m0);
            rounds(&abef, &cdgh, m2, &sha256_k[t + 8]);
            m2 = following(m2, m3, m0, m1);
            rounds(&abef, &cdgh, m3, &sha256_k[t + 12]);
            m3 = following(m3, m0, m1, m2);
        }
        rounds(&abef, &cdgh, m0, &sha256_k[48]);
        rounds(&abef, &cdgh, m1, &sha256_k[52]);
        rounds(&abef, &cdgh, m2, &sha256_k[56]);
        rounds(&abef, &cdgh, m3, &sha256_k[60]);
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
    __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)(void *)&state[0], _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(void *)&state[4], _mm_alignr_epi8(dchg, feba, 8));
}
