/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256 (FIPS 180-4). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BLOCK  64
#define SHA256_DIGEST 32

/* Hash n whole blocks into the eight words of state. */
typedef void sha256_blocks_fn(uint32_t state[8], const unsigned char *data, size_t n);

struct sha256 {
    uint32_t state[8];
    uint64_t length; /* bytes so far */
    sha256_blocks_fn *blocks;
    unsigned char tail[SHA256_BLOCK]; /* the length % SHA256_BLOCK bytes that fill no block yet */
};

/* Begin, with the fastest code that this CPU has. */
void sha256_init(struct sha256 *s);

void sha256_update(struct sha256 *s, const void *data, size_t len);
void sha256_final(struct sha256 *s, unsigned char digest[SHA256_DIGEST]);

/* The two kinds of code, for tests; sha256_blocks_ni needs sha256_has_ni(). */
sha256_blocks_fn sha256_blocks_c, sha256_blocks_ni;
bool sha256_has_ni(void);

/* FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of 64 primes. */
extern const uint32_t sha256_k[64];
