/* sources: none */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The Internet checksum's sum against one taken word by word: all short lengths, every alignment, carries. */
#include "libos/net/lwip/arch/checksum.h"

#include <stdbool.h>
#include <stdlib.h>

#include "unit.h"

static uint16_t plainly(const uint8_t *p, int n)
{
    uint32_t sum = 0;
    for (int i = 0; i < n; i++) {
        sum += (uint32_t)p[i] << (i % 2 == 0 ? 0 : 8);
        sum = (sum >> 16) + (sum & 0xffff);
    }
    return (uint16_t)sum;
}

/* Zero has two forms in one's complement. */
static bool same(uint16_t a, uint16_t b)
{
    return a % 0xffff == b % 0xffff;
}

/* In memory of exactly that size, so that what is read behind it shows. */
static void compare(const uint8_t *from, int n)
{
    uint8_t *copy = malloc((size_t)n + (n == 0));
    memcpy(copy, from, (size_t)n);
    EXPECT(same(checksum_sum(copy, n), plainly(copy, n)));
    free(copy);
}

int main(void)
{
    static uint8_t data[9000];

    srand(1);
    for (unsigned i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)rand();
    }
    for (int at = 0; at < 8; at++) {
        for (int n = 0; n < 300; n++) {
            compare(data + at, n);
            EXPECT(same(checksum_sum(data + at, n), plainly(data + at, n)));
        }
        compare(data + at, 8191);
    }
    memset(data, 0xff, sizeof(data)); /* a carry out of every sum */
    for (int n = 0; n < 300; n++) {
        compare(data, n);
    }
    compare(data, sizeof(data));
    /* RFC 1071, 3: bytes 00 01 f2 03 f4 f5 f6 f7 add up to ddf2, in the network's order. */
    static const uint8_t example[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
    EXPECT(checksum_sum(example, sizeof(example)) == 0xf2dd);
    EXPECT(checksum_sum(example, 0) == 0);
    return unit_done();
}
