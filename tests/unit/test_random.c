/* sources: libos/core/chacha.c libos/core/random.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* ChaCha20 by the RFC's example, and how the generator uses it. */
#include <sys/wait.h>
#include <unistd.h>

#include <pith/random.h>

#include "libos/core/chacha.h"

#include "unit.h"

#include "fake_cpu.h"

static size_t entropy_bytes;

uint64_t platform_clock_ns(void)
{
    return 12345;
}

size_t platform_entropy(void *buf, size_t len)
{
    memset(buf, 0x5a, entropy_bytes < len ? entropy_bytes : len);
    return entropy_bytes < len ? entropy_bytes : len;
}

void platform_irq_replay(void)
{
}

static void test_rfc8439_2_3_2(void)
{
    static const uint32_t key[8] = { 0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c,
                                     0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c };
    static const uint32_t input[4] = { 1, 0x09000000, 0x4a000000, 0 };
    static const uint32_t want[16] = { 0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3,
                                       0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
                                       0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
                                       0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2 };
    uint32_t got[16];

    chacha_block(got, key, input);
    EXPECT(memcmp(got, want, sizeof(want)) == 0);
}

static void test_zero_key(void)
{
    /* RFC 8439, A.1, test vector 1. */
    static const uint8_t want[8] = { 0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90 };
    uint32_t key[8] = { 0 }, input[4] = { 0 }, got[16];

    chacha_block(got, key, input);
    EXPECT(memcmp(got, want, sizeof(want)) == 0);
}

static void test_output(void)
{
    static uint8_t big[1 << 16];
    unsigned count[256] = { 0 };
    uint8_t a[32], b[32];

    random_bytes(a, sizeof(a));
    random_bytes(b, sizeof(b));
    EXPECT(memcmp(a, b, sizeof(a)) != 0);
    EXPECT(random_u64() != random_u64());

    /* Every length, without a byte too many (ASan), in both ways of generating. */
    for (size_t len = 0; len < 300; len++) {
        uint8_t *p = malloc(len + 1);
        p[len] = 0x77;
        random_bytes(p, len);
        EXPECT(p[len] == 0x77);
        free(p);
    }
    random_bytes(big, sizeof(big));
    for (size_t i = 0; i < sizeof(big); i++) {
        count[big[i]]++;
    }
    for (unsigned i = 0; i < 256; i++) {
        EXPECT(count[i] > 150 && count[i] < 370); /* 256 expected, sigma 16 */
    }
}

/*
 * Mixing in changes what comes next, even what was spare already: a twin process goes on without
 * it.
 */
static void test_add(void)
{
    uint64_t here, there;
    int pipes[2];

    (void)random_u64(); /* leaves 24 spare bytes: the key is fresh here */
    EXPECT(pipe(pipes) == 0);
    for (int add = 0; add < 2; add++) {
        pid_t pid = fork();
        if (pid == 0) {
            fake_cpu_init();
            here = random_u64();
            _exit(write(pipes[1], &here, sizeof(here)) != sizeof(here));
        }
        if (add) {
            random_add("x", 1, false);
        }
        here = random_u64();
        EXPECT(read(pipes[0], &there, sizeof(there)) == sizeof(there));
        EXPECT((here != there) == add);
        waitpid(pid, NULL, 0);
    }
}

static void test_strength(void)
{
    uint8_t seed[16] = { 1 };

    entropy_bytes = 0;
    random_init();
    EXPECT(!random_strong());
    random_add(seed, sizeof(seed), false);
    EXPECT(!random_strong());
    random_add(seed, sizeof(seed), true);
    EXPECT(random_strong());
}

int main(void)
{
    fake_cpu_init();
    test_rfc8439_2_3_2();
    test_zero_key();
    test_strength();
    test_add();
    test_output();
    return unit_done();
}
