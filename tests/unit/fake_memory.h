/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest-physical memory for the boot parsers: one block at FAKE_BASE. Each read gives a copy of
 * exactly the bytes that were asked for, so that AddressSanitizer sees every access beyond them.
 */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_BASE  0x10000UL
#define FAKE_BYTES 0x4000UL
#define FAKE_READS 65536u

static unsigned char fake_memory[FAKE_BYTES];
static void *fake_copies[FAKE_READS];
static unsigned fake_reads; /* more than FAKE_READS of them: the parser does not end */

static inline void fake_forget(void)
{
    for (unsigned i = 0; i < fake_reads && i < FAKE_READS; i++) {
        free(fake_copies[i]);
    }
    fake_reads = 0;
}

static inline const void *fake_read(uint64_t pa, size_t len)
{
    if (fake_reads >= FAKE_READS || pa < FAKE_BASE || len > FAKE_BYTES ||
        pa - FAKE_BASE > FAKE_BYTES - len) {
        fake_reads += fake_reads >= FAKE_READS;
        return NULL;
    }
    void *copy = malloc(len);
    memcpy(copy, fake_memory + (pa - FAKE_BASE), len);
    return fake_copies[fake_reads++] = copy;
}

static inline int fake_too_many(void)
{
    return fake_reads > FAKE_READS;
}

static inline void fake_put(uint64_t pa, const void *data, size_t len)
{
    memcpy(fake_memory + (pa - FAKE_BASE), data, len);
}

static inline void fake_put32(uint64_t pa, uint32_t value)
{
    fake_put(pa, &value, sizeof(value));
}

static inline void fake_put64(uint64_t pa, uint64_t value)
{
    fake_put(pa, &value, sizeof(value));
}
