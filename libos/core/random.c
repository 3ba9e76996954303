/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random bytes by ChaCha20 with fast key erasure: each block of output begins with the key for the
 * next, and bytes that were handed out are wiped, so nothing in memory tells what was generated
 * before.
 */
#include <pith/random.h>

#include <string.h>

#include <pith/platform.h>
#include <pith/spinlock.h>

#include "chacha.h"

#define KEY_BYTES    32u
#define BLOCK_BYTES  64u
#define INPUT_BYTES  16u
#define STRONG_BYTES 16u /* of the CPU's generator are enough */

static struct spinlock lock = SPINLOCK_INIT; /* innermost: nothing else is taken under it */
static uint32_t key[CHACHA_KEY_WORDS];
static uint8_t spare[BLOCK_BYTES - KEY_BYTES]; /* output of the last block, not yet handed out */
static size_t nspare;                          /* its last nspare bytes are valid */
static bool strong_seed;

static void wipe(void *p, size_t len)
{
    memset(p, 0, len);
    __asm__ volatile("" : : "r"(p) : "memory"); /* keep the stores of dead memory */
}

/* New key and new spare bytes from one block. Context: lock held, or boot. */
static void refill(const uint32_t input[CHACHA_INPUT_WORDS])
{
    uint32_t block[CHACHA_BLOCK_WORDS];

    chacha_block(block, key, input);
    memcpy(key, block, KEY_BYTES);
    memcpy(spare, (const uint8_t *)block + KEY_BYTES, sizeof(spare));
    nspare = sizeof(spare);
    wipe(block, sizeof(block));
}

static void take(uint8_t *out, size_t len)
{
    static const uint32_t no_input[CHACHA_INPUT_WORDS];

    while (len > 0) {
        if (nspare == 0) {
            refill(no_input);
        }
        size_t n = len < nspare ? len : nspare;
        uint8_t *from = spare + sizeof(spare) - nspare;
        memcpy(out, from, n);
        memset(from, 0, n);
        nspare -= n;
        out += n;
        len -= n;
    }
}

/* Much output: a key of its own, so that the lock is held for one key's time only. */
static void stream(uint8_t *out, size_t len)
{
    uint32_t once[CHACHA_KEY_WORDS];
    uint32_t block[CHACHA_BLOCK_WORDS];
    uint32_t input[CHACHA_INPUT_WORDS] = { 0, 1, 0, 0 };

    bool was = spin_lock(&lock);
    take((uint8_t *)once, sizeof(once));
    spin_unlock(&lock, was);
    while (len > 0) {
        size_t n = len < BLOCK_BYTES ? len : BLOCK_BYTES;
        chacha_block(block, once, input);
        memcpy(out, block, n);
        if (++input[0] == 0) {
            input[2]++;
        }
        out += n;
        len -= n;
    }
    wipe(once, sizeof(once));
    wipe(block, sizeof(block));
}

void random_bytes(void *buf, size_t len)
{
    if (len > 2 * BLOCK_BYTES) {
        stream(buf, len);
        return;
    }
    bool was = spin_lock(&lock);
    take(buf, len);
    spin_unlock(&lock, was);
}

uint64_t random_u64(void)
{
    uint64_t v;

    random_bytes(&v, sizeof(v));
    return v;
}

bool random_strong(void)
{
    return strong_seed;
}

/*
 * The new key is the old key's block for the input: a keyed pseudorandom function in cascade.
 * Chosen input can't cancel what the key already holds.
 */
void random_add(const void *data, size_t len, bool strong)
{
    const uint8_t *from = data;
    uint32_t block[CHACHA_BLOCK_WORDS];

    bool was = spin_lock(&lock);
    while (len > 0) {
        uint32_t input[CHACHA_INPUT_WORDS] = { 0 };
        size_t n = len < INPUT_BYTES ? len : INPUT_BYTES;
        memcpy(input, from, n);
        chacha_block(block, key, input);
        memcpy(key, block, KEY_BYTES);
        from += n;
        len -= n;
    }
    wipe(block, sizeof(block));
    nspare = 0; /* the next bytes come from the new key */
    strong_seed |= strong;
    spin_unlock(&lock, was);
}

void random_init(void)
{
    /*
     * There is no key to protect yet: the CPU's bytes are it, and the times go in as the first
     * input.
     */
    uint64_t times[2] = { platform_clock_ns(), __builtin_ia32_rdtsc() };
    uint32_t input[CHACHA_INPUT_WORDS];

    _Static_assert(sizeof(times) == sizeof(input), "one block takes both");
    strong_seed = platform_entropy(key, sizeof(key)) >= STRONG_BYTES;
    memcpy(input, times, sizeof(input));
    refill(input);
}
