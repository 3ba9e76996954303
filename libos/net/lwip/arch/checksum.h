/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Internet checksum's sum (RFC 1071, 2), eight bytes at a time. lwIP's own takes 2.6 instructions
 * per byte, this one 0.15: all the difference where a card leaves checksums to us, and in fragments.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t checksum_load(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    memcpy(&v, p, n);
    return v;
}

/* The sum with the carry brought round. */
static inline uint64_t checksum_plus(uint64_t sum, uint64_t v)
{
    sum += v;
    return sum + (sum < v);
}

/* Twice for each half: a first fold may carry again. */
static inline uint16_t checksum_fold(uint64_t sum)
{
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)((sum >> 16) + (sum & 0xffff));
}

/* The same as checksum_sum() of an IPv4 header without options. */
static inline uint16_t checksum_of_20(const void *data)
{
    const uint8_t *p = data;
    uint64_t sum = checksum_plus(checksum_load(p, 8), checksum_load(p + 8, 8));

    return checksum_fold(checksum_plus(sum, checksum_load(p + 16, 4)));
}

/* The sum and that of n blocks of 128 bytes; the carry goes through all of them in the flag. */
static inline uint64_t checksum_blocks(uint64_t sum, const uint8_t *p, size_t n)
{
    __asm__("clc\n"
            "1:\n\t"
            "adcq (%1), %0\n\tadcq 8(%1), %0\n\tadcq 16(%1), %0\n\tadcq 24(%1), %0\n\t"
            "adcq 32(%1), %0\n\tadcq 40(%1), %0\n\tadcq 48(%1), %0\n\tadcq 56(%1), %0\n\t"
            "adcq 64(%1), %0\n\tadcq 72(%1), %0\n\tadcq 80(%1), %0\n\tadcq 88(%1), %0\n\t"
            "adcq 96(%1), %0\n\tadcq 104(%1), %0\n\tadcq 112(%1), %0\n\tadcq 120(%1), %0\n\t"
            "leaq 128(%1), %1\n\t"
            "decq %2\n\t" /* leaves the carry alone, as lea does */
            "jnz 1b\n\t"
            "adcq $0, %0"
            : "+r"(sum), "+r"(p), "+r"(n)
            :
            : "cc", "memory");
    return sum;
}

/* One's complement sum of the 16-bit words in memory's order, an odd last byte as the first of a word; once only, for its size. */
static __attribute__((noinline, unused)) uint16_t checksum_sum(const void *data, int length)
{
    const uint8_t *p = data;
    size_t n = length > 0 ? (size_t)length : 0;
    uint64_t sum = 0;

    if (n >= 128) {
        sum = checksum_blocks(sum, p, n / 128);
        p += n / 128 * 128;
        n %= 128;
    }
    for (; n >= 8; n -= 8, p += 8) {
        sum = checksum_plus(sum, checksum_load(p, 8));
    }
    if (n & 4) {
        sum = checksum_plus(sum, checksum_load(p, 4));
        p += 4;
    }
    if (n & 2) {
        sum = checksum_plus(sum, checksum_load(p, 2));
        p += 2;
    }
    if (n & 1) {
        sum = checksum_plus(sum, *p);
    }
    return checksum_fold(sum);
}
