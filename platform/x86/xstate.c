/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a preemption saves of the FP and vector state: everything XGETBV says is enabled, AMX left
 * out.
 *
 * Not what CPUID was promised to be: a program at CPL 3 sees the CPU as it is and may use all of
 * it.
 */
#include <x86/boot.h>
#include <x86/machine.h>

#define CPUID_ECX_OSXSAVE (1u << 27)
#define LEGACY_AND_HEADER 576u
#define XCR0_KEEP         0x2e7u /* x87, SSE, AVX, AVX-512, PKRU; AMX (8 KiB a preemption) is not handed out */

#define CPUID_ECX_AVX     (1u << 28)
#define XCR0_AVX          6u /* with SSE, without which there is none */

#define CPUID_EBX_AVX2    (1u << 5) /* of leaf 7 */

extern uint8_t __string_wide; /* toolchain/string/memcpy.S */
#define STRING_AVX        1u
#define STRING_AVX2       2u

uint32_t x86_xstate_size = 512; /* FXSAVE */
uint32_t x86_xstate_mask;       /* 0: FXSAVE */

static void cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    __asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "0"(leaf), "2"(sub));
}

void x86_xstate_init(void)
{
    uint32_t r[4], xcr0, high;

    cpuid(1, 0, r);
    if (!(r[2] & CPUID_ECX_OSXSAVE)) {
        return;
    }
    __asm__ volatile("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
    x86_xstate_mask = xcr0 & XCR0_KEEP;
    x86_xstate_size = LEGACY_AND_HEADER;
    for (unsigned i = 2; i < 32; i++) {
        if (x86_xstate_mask >> i & 1) {
            cpuid(0xd, i, r); /* EAX size, EBX offset in the standard format */
            if (r[0] + r[1] > x86_xstate_size) {
                x86_xstate_size = r[0] + r[1];
            }
        }
    }
    /* For ourselves what was promised has to say so, too. */
    if ((boot_cpuid[CPUID_1].ecx & CPUID_ECX_AVX) && (x86_xstate_mask & XCR0_AVX) == XCR0_AVX) {
        __string_wide = STRING_AVX | (boot_cpuid[CPUID_7].ebx & CPUID_EBX_AVX2 ? STRING_AVX2 : 0);
    }
}
