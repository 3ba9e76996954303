/* SPDX-License-Identifier: BSD-2-Clause */
/* The ChaCha20 block function, RFC 8439, sections 2.1 to 2.3. Pure code. */
#include "chacha.h"

static uint32_t rotl(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static void quarter_round(uint32_t *x, unsigned a, unsigned b, unsigned c, unsigned d)
{
    x[a] += x[b];
    x[d] = rotl(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = rotl(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = rotl(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = rotl(x[b] ^ x[c], 7);
}

void chacha_block(uint32_t out[CHACHA_BLOCK_WORDS], const uint32_t key[CHACHA_KEY_WORDS],
                  const uint32_t input[CHACHA_INPUT_WORDS])
{
    /* "expand 32-byte k" */
    static const uint32_t constant[4] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
    uint32_t start[CHACHA_BLOCK_WORDS];

    for (unsigned i = 0; i < 4; i++) {
        start[i] = constant[i];
        start[4 + i] = key[i];
        start[8 + i] = key[4 + i];
        start[12 + i] = input[i];
    }
    for (unsigned i = 0; i < CHACHA_BLOCK_WORDS; i++) {
        out[i] = start[i];
    }
    for (unsigned round = 0; round < 20; round += 2) {
        quarter_round(out, 0, 4, 8, 12);
        quarter_round(out, 1, 5, 9, 13);
        quarter_round(out, 2, 6, 10, 14);
        quarter_round(out, 3, 7, 11, 15);
        quarter_round(out, 0, 5, 10, 15);
        quarter_round(out, 1, 6, 11, 12);
        quarter_round(out, 2, 7, 8, 13);
        quarter_round(out, 3, 4, 9, 14);
    }
    for (unsigned i = 0; i < CHACHA_BLOCK_WORDS; i++) {
        out[i] += start[i];
    }
}
