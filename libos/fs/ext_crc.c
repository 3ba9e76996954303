/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CRC-32C (RFC 3720, appendix B.4), with which ext4 protects its metadata: eight bytes at a time by
 * tables that are made at the first use. Neither end is inverted: that is the caller's.
 */
#include <pthread.h>
#include <string.h>

#include "ext.h"

#define POLYNOMIAL 0x82f63b78u /* bits reversed */

static uint32_t table[8][256];
static pthread_once_t made = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) {
            c = c >> 1 ^ (c & 1 ? POLYNOMIAL : 0);
        }
        table[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++) {
        for (int k = 1; k < 8; k++) {
            table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
        }
    }
}

uint32_t ext_crc32c(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *p = data;
    pthread_once(&made, make_tables);
    for (; len >= 8; len -= 8, p += 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        v ^= crc;
        crc = table[7][v & 0xff] ^ table[6][v >> 8 & 0xff] ^ table[5][v >> 16 & 0xff] ^
              table[4][v >> 24 & 0xff] ^ table[3][v >> 32 & 0xff] ^ table[2][v >> 40 & 0xff] ^
              table[1][v >> 48 & 0xff] ^ table[0][v >> 56];
    }
    for (; len != 0; len--, p++) {
        crc = crc >> 8 ^ table[0][(crc ^ *p) & 0xff];
    }
    return crc;
}

/* The library's name for it. */
__u32 ext2fs_crc32c_le(__u32 crc, unsigned char const *p, size_t len)
{
    return ext_crc32c(crc, p, len);
}
