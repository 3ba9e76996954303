/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vector registers under preemption. The registers are loaded, left alone and stored by one asm
 * each.
 */
#include "vectors.h"

#include <cpuid.h>
#include <stddef.h>
#include <string.h>

#define SPIN       "movl $30000, %%ecx\n1:\tdecl %%ecx\n\tjnz 1b\n\t"
#define LOW        ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
#define ALL                                                            \
    ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22," \
    "23,24,25,26,27,28,29,30,31\n\t"
#define END        "\n\t.endr\n\t"
#define SAVED_LOW                                                                                  \
    "rcx", "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
        "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

/* XCR0: Intel SDM vol 1, "XSAVE-Supported Features and State-Component Bitmaps". */
#define XCR0_AVX    0x06u
#define XCR0_AVX512 0xe6u

struct registers {
    uint64_t word[32][8];
    uint64_t mask[8];
} __attribute__((aligned(64)));

static void fill(struct registers *r, uint64_t pattern)
{
    for (unsigned i = 0; i < 32; i++) {
        for (unsigned j = 0; j < 8; j++) {
            r->word[i][j] = pattern ^ (i * 0x0101010101010101 + j);
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        r->mask[i] = (pattern >> i) & 0xffff; /* AVX-512F alone has 16 bits */
    }
}

/* How many of the first n registers differ in their first `words` words. */
static unsigned compare(const struct registers *a, const struct registers *b, unsigned n,
                        unsigned words)
{
    unsigned wrong = 0;

    for (unsigned i = 0; i < n; i++) {
        wrong += memcmp(a->word[i], b->word[i], 8 * words) != 0;
    }
    return wrong;
}

unsigned vectors_sse(uint64_t pattern)
{
    struct registers in, out;

    fill(&in, pattern);
    __asm__ volatile(LOW "movdqa 64*\\r(%0), %%xmm\\r" END SPIN
                     LOW "movdqa %%xmm\\r, 64*\\r(%1)" END
                     : : "r"(&in), "r"(&out) : SAVED_LOW);
    return compare(&in, &out, 16, 2);
}

__attribute__((target("avx"))) unsigned vectors_avx(uint64_t pattern)
{
    struct registers in, out;

    fill(&in, pattern);
    __asm__ volatile(LOW "vmovdqa 64*\\r(%0), %%ymm\\r" END SPIN
                     LOW "vmovdqa %%ymm\\r, 64*\\r(%1)" END
                     "vzeroupper"
                     : : "r"(&in), "r"(&out) : SAVED_LOW);
    return compare(&in, &out, 16, 4);
}

__attribute__((target("avx512f"))) unsigned vectors_avx512(uint64_t pattern)
{
    struct registers in, out;
    unsigned wrong = 0;

    fill(&in, pattern);
    __asm__ volatile(ALL "vmovdqa64 64*\\r(%0), %%zmm\\r" END
                     ".irp r,1,2,3,4,5,6,7\n\tkmovw 8*\\r(%2), %%k\\r" END SPIN
                     ALL "vmovdqa64 %%zmm\\r, 64*\\r(%1)" END
                     ".irp r,1,2,3,4,5,6,7\n\tkmovw %%k\\r, 8*\\r(%3)" END "vzeroupper"
                     : : "r"(&in), "r"(&out), "r"(in.mask), "r"(out.mask)
                     : SAVED_LOW, "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22",
                       "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30",
                       "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7");
    for (unsigned i = 1; i < 8; i++) {
        wrong += (in.mask[i] & 0xffff) != (out.mask[i] & 0xffff);
    }
    return wrong + compare(&in, &out, 32, 8);
}

static bool enabled(uint64_t wanted)
{
    unsigned a, b, c, d, low, high;

    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & bit_OSXSAVE) == 0) {
        return false;
    }
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & wanted) == wanted;
}

bool vectors_have_avx(void)
{
    unsigned a, b, c, d;

    return enabled(XCR0_AVX) && __get_cpuid(1, &a, &b, &c, &d) && (c & bit_AVX) != 0;
}

bool vectors_have_avx512(void)
{
    unsigned a, b, c, d;

    return enabled(XCR0_AVX512) && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
           (b & bit_AVX512F) != 0;
}
