/* sources: libos/net/siphash.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* SipHash-2-4 against the vectors of its authors' reference implementation. */
#include "libos/net/siphash.h"

#include "unit.h"

int main(void)
{
    /* The key is 00 01 .. 0f, the input of length n is 00 01 .. n-1 (vectors.h, SIP64). */
    static const struct { unsigned len; uint64_t hash; } vectors[] = {
        { 0, 0x726fdb47dd0e0e31 }, { 1, 0x74f839c593dc67fd }, { 2, 0x0d6c8009d9a94f5a },
        { 3, 0x85676696d7fb7e2d }, { 7, 0xab0200f58b01d137 }, { 8, 0x93f5f5799a932462 },
        { 15, 0xa129ca6149be45e5 },
    };
    uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
    uint8_t data[64];

    for (unsigned i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)i;
    }
    for (unsigned i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        EXPECT(siphash24(key, data, vectors[i].len) == vectors[i].hash);
    }
    uint64_t a = siphash24(key, data, 36);
    key[1] ^= 1;
    EXPECT(siphash24(key, data, 36) != a);
    return unit_done();
}
