/* SPDX-License-Identifier: BSD-2-Clause */
/* The ChaCha20 block function, RFC 8439, sections 2.1 to 2.3. Pure code. */
#include "chacha.h"

static uint32_t rotl(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

/* Inlined, so that the words stay in registers: half the instructions of a call with an array. */
static inline __attribute__((always_inline))
void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b;
    *d = rotl(*d ^ *a, 16);
    *c += *d;
    *b = rotl(*b ^ *c, 12);
    *a += *b;
    *d = rotl(*d ^ *a, 8);
    *c += *d;
    *b = rotl(*b ^ *c, 7);
}

void chacha_block(uint32_t out[CHACHA_BLOCK_WORDS], const uint32_t key[CHACHA_KEY_WORDS],
                  const uint32_t input[CHACHA_INPUT_WORDS])
{
    /* "expand 32-byte k" */
    static const uint32_t constant[4] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
    uint32_t x0 = constant[0], x1 = constant[1], x2 = constant[2], x3 = constant[3];
    uint32_t x4 = key[0], x5 = key[1], x6 = key[2], x7 = key[3];
    uint32_t x8 = key[4], x9 = key[5], x10 = key[6], x11 = key[7];
    uint32_t x12 = input[0], x13 = input[1], x14 = input[2], x15 = input[3];

    for (unsigned round = 0; round < 20; round += 2) {
        quarter_round(&x0, &x4, &x8, &x12);
        quarter_round(&x1, &x5, &x9, &x13);
        quarter_round(&x2, &x6, &x10, &x14);
        quarter_round(&x3, &x7, &x11, &x15);
        quarter_round(&x0, &x5, &x10, &x15);
        quarter_round(&x1, &x6, &x11, &x12);
        quarter_round(&x2, &x7, &x8, &x13);
        quarter_round(&x3, &x4, &x9, &x14);
    }
    uint32_t state[CHACHA_BLOCK_WORDS] = { x0, x1, x2, x3, x4, x5, x6, x7,
                                           x8, x9, x10, x11, x12, x13, x14, x15 };
    for (unsigned i = 0; i < 4; i++) {
        out[i] = state[i] + constant[i];
        out[4 + i] = state[4 + i] + key[i];
        out[8 + i] = state[8 + i] + key[4 + i];
        out[12 + i] = state[12 + i] + input[i];
    }
}
