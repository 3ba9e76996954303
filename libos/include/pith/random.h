/* SPDX-License-Identifier: BSD-2-Clause */
/* Random bytes: ChaCha20 keyed from the CPU's generator, entropy devices and timing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seed from the CPU's generator and the clocks; called once, by libos_main(). */
void random_init(void);

/*
 * Fill buf; never fails. random_strong() tells whether a real source has seeded it. Context: any.
 */
void random_bytes(void *buf, size_t len);
uint64_t random_u64(void);
bool random_strong(void);

/*
 * Mix `len` bytes into the key; `strong` when at least 16 of them come from a hardware or host
 * generator. Never makes the output weaker, whatever the bytes are. Context: any.
 */
void random_add(const void *data, size_t len, bool strong);

/*
 * Make sure of a strong seed before keys are made: where the CPU has no generator, find the entropy
 * devices and read them. Errors: -EAGAIN (no source on this machine). Context: thread.
 */
int random_gather(void);
