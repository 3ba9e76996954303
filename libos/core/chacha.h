/* SPDX-License-Identifier: BSD-2-Clause */
/* The ChaCha20 block function (RFC 8439, 2.3), for random.c. */
#pragma once

#include <stdint.h>

#define CHACHA_KEY_WORDS   8
#define CHACHA_INPUT_WORDS 4 /* block counter, then the 96-bit nonce */
#define CHACHA_BLOCK_WORDS 16

/* One block of key stream; out may not overlap key or input. */
void chacha_block(uint32_t out[CHACHA_BLOCK_WORDS], const uint32_t key[CHACHA_KEY_WORDS],
                  const uint32_t input[CHACHA_INPUT_WORDS]);
