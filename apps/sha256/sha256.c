/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256 (FIPS 180-4) in portable C: padding, the compression function, the choice of code. */
#include "sha256.h"

#include <string.h>

const uint32_t sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotr(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static inline uint32_t load_be(const unsigned char *p)
{
    uint32_t x;
    memcpy(&x, p, sizeof(x));
    return __builtin_bswap32(x);
}

/*
 * One round. Instead of moving the eight variables along, the caller names them one place further
 * on.
 */
static inline void step(uint32_t a, uint32_t b, uint32_t c, uint32_t *d, uint32_t e, uint32_t f,
                        uint32_t g, uint32_t *h, uint32_t kw)
{
    uint32_t t = *h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + (g ^ (e & (f ^ g))) + kw;
    *d += t;
    *h = t + (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) | (c & (a | b)));
}

/* The next word of the message schedule, in a ring of 16; i is its place in the ring. */
static inline uint32_t expand(uint32_t w[16], unsigned i)
{
    uint32_t w15 = w[(i + 1) & 15], w2 = w[(i + 14) & 15];
    w[i] += (rotr(w15, 7) ^ rotr(w15, 18) ^ w15 >> 3) + w[(i + 9) & 15] +
            (rotr(w2, 17) ^ rotr(w2, 19) ^ w2 >> 10);
    return w[i];
}

void sha256_blocks_c(uint32_t state[8], const unsigned char *data, size_t n)
{
    uint32_t w[16];
    for (; n != 0; n--, data += SHA256_BLOCK) {
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
        uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
        for (unsigned i = 0; i < 16; i++) {
            w[i] = load_be(data + 4 * i);
        }
        for (unsigned t = 0; t < 64; t += 8) {
            unsigned at = t & 15;
            if (t >= 16) {
                for (unsigned i = 0; i < 8; i++) {
                    expand(w, at + i);
                }
            }
            const uint32_t *k = &sha256_k[t];
            const uint32_t *x = &w[at];
            step(a, b, c, &d, e, f, g, &h, k[0] + x[0]);
            step(h, a, b, &c, d, e, f, &g, k[1] + x[1]);
            step(g, h, a, &b, c, d, e, &f, k[2] + x[2]);
            step(f, g, h, &a, b, c, d, &e, k[3] + x[3]);
            step(e, f, g, &h, a, b, c, &d, k[4] + x[4]);
            step(d, e, f, &g, h, a, b, &c, k[5] + x[5]);
            step(c, d, e, &f, g, h, a, &b, k[6] + x[6]);
            step(b, c, d, &e, f, g, h, &a, k[7] + x[7]);
        }
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
        state[5] += f;
        state[6] += g;
        state[7] += h;
    }
}

void sha256_init(struct sha256 *s)
{
    /* FIPS 180-4, 5.3.3. */
    static const uint32_t initial[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
    memcpy(s->state, initial, sizeof(initial));
    s->length = 0;
    s->blocks = sha256_has_ni() ? sha256_blocks_ni : sha256_blocks_c;
}

void sha256_update(struct sha256 *s, const void *data, size_t len)
{
    const unsigned char *p = data;
    size_t have = s->length % SHA256_BLOCK;
    s->length += len;
    if (have != 0) {
        size_t n = len < SHA256_BLOCK - have ? len : SHA256_BLOCK - have;
        memcpy(s->tail + have, p, n);
        p += n;
        len -= n;
        if (have + n < SHA256_BLOCK) {
            return;
        }
        s->blocks(s->state, s->tail, 1);
    }
    s->blocks(s->state, p, len / SHA256_BLOCK);
    memcpy(s->tail, p + len - len % SHA256_BLOCK, len % SHA256_BLOCK);
}

void sha256_final(struct sha256 *s, unsigned char digest[SHA256_DIGEST])
{
    /* A 1 bit, zeros up to 8 bytes before the end of a block, the length in bits. */
    unsigned char padding[2 * SHA256_BLOCK] = { 0x80 };
    uint64_t bits = __builtin_bswap64(s->length * 8);
    size_t zeros = (2 * SHA256_BLOCK - 9 - s->length % SHA256_BLOCK) % SHA256_BLOCK;
    memcpy(padding + 1 + zeros, &bits, sizeof(bits));
    sha256_update(s, padding, 1 + zeros + sizeof(bits));
    for (unsigned i = 0; i < 8; i++) {
        uint32_t be = __builtin_bswap32(s->state[i]);
        memcpy(digest + 4 * i, &be, sizeof(be));
    }
}
