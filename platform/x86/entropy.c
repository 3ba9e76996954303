/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CPU's random generator: RDSEED, else RDRAND (Intel SDM vol 1, "Random Number Generator
 * Instructions").
 */
#include <string.h>

#include <pith/platform.h>

#include <x86/boot.h>
#include <x86/cpu.h>

#define TRIES 32

static int rdseed(uint64_t *v)
{
    unsigned char ok;
    __asm__ volatile("rdseed %0\n\tsetc %1" : "=r"(*v), "=qm"(ok) : : "cc");
    return ok;
}

static int rdrand(uint64_t *v)
{
    unsigned char ok;
    __asm__ volatile("rdrand %0\n\tsetc %1" : "=r"(*v), "=qm"(ok) : : "cc");
    return ok;
}

size_t platform_entropy(void *buf, size_t len)
{
    int has_rdseed = boot_cpuid[CPUID_0].eax >= 7 && boot_cpuid[CPUID_7].ebx >> 18 & 1;
    int has_rdrand = boot_cpuid[CPUID_1].ecx >> 30 & 1;
    size_t got = 0;

    while (got < len && (has_rdseed || has_rdrand)) {
        uint64_t v;
        int ok = 0;
        for (unsigned i = 0; i < TRIES && !ok; i++) {
            ok = (has_rdseed && rdseed(&v)) || (has_rdrand && rdrand(&v));
        }
        if (!ok) {
            break;
        }
        size_t n = len - got < sizeof(v) ? len - got : sizeof(v);
        memcpy((char *)buf + got, &v, n);
        got += n;
    }
    return got;
}
