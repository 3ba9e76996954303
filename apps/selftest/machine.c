/* SPDX-License-Identifier: BSD-2-Clause */
/* What the machine is and what its CPU offers, as CPUID at CPL 3 says (Intel SDM vol 2, "CPUID"). */
#include "selftest.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <pith/machine.h>
#include <pith/platform.h>

static void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(subleaf));
}

static uint64_t enabled_state(void)
{
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

void test_machine(void)
{
    const struct boot_info *info = machine_boot_info();
    uint32_t r[4];
    char text[49] = "";

    note("platform", "%s, entered by %s", info->platform, info->entry);
    note("memory", "%zu KiB", info->ram_total >> 10);
    note("CPUs", "%u", platform_cpu_count());
    cpuid(0x80000000, 0, r);
    if (r[0] >= 0x80000004) {
        for (uint32_t i = 0; i < 3; i++) {
            cpuid(0x80000002 + i, 0, r);
            memcpy(text + 16 * i, r, 16);
        }
        note("CPU", "%s", text + strspn(text, " "));
    }
    cpuid(0x40000000, 0, r);
    memcpy(text, &r[1], 12);
    text[12] = '\0';
    cpuid(1, 0, r);
    note("hypervisor", "%s", (r[2] >> 31 & 1) != 0 ? text : "(none told)");
}

struct feature {
    const char *name;
    uint8_t word; /* 0: leaf 1 ECX, 1: leaf 7 EBX, 2: leaf 0x80000007 EDX, 3: leaf 7 ECX */
    uint8_t bit;
};

static const struct feature features[] = {
    { "sse4.2", 0, 20 }, { "aes", 0, 25 }, { "avx", 0, 28 }, { "avx2", 1, 5 }, { "avx512f", 1, 16 },
    { "sha", 1, 29 }, { "rdrand", 0, 30 }, { "rdseed", 1, 18 }, { "fsgsbase", 1, 0 },
    { "x2apic", 0, 21 }, { "tsc-deadline", 0, 24 }, { "invariant-tsc", 2, 8 }, { "smep", 1, 7 },
    { "smap", 1, 20 }, { "umip", 3, 2 }, { "pku", 3, 3 },
};

void test_features(void)
{
    uint32_t one[4], seven[4], power[4], words[4];
    char text[200] = "";
    unsigned char random[16];

    cpuid(1, 0, one);
    cpuid(7, 0, seven);
    cpuid(0x80000007, 0, power);
    words[0] = one[2];
    words[1] = seven[1];
    words[2] = power[3];
    words[3] = seven[2];
    for (unsigned i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        if ((words[features[i].word] >> features[i].bit & 1) != 0) {
            size_t n = strlen(text);
            snprintf(text + n, sizeof(text) - n, " %s", features[i].name);
        }
    }
    note("CPU features", "%s", text[0] != '\0' ? text + 1 : "(none of interest)");
    if ((one[2] >> 27 & 1) != 0) {
        uint64_t state = enabled_state();
        row("vector state", (state & 3) == 3, "XCR0 %#llx:%s%s%s", (unsigned long long)state,
            (state & 2) != 0 ? " sse" : "", (state & 4) != 0 ? " avx" : "",
            (state & 0xe0) == 0xe0 ? " avx512" : "");
    } else {
        note("vector state", "no XSAVE: SSE only");
    }
    size_t n = platform_entropy(random, sizeof(random));
    note("CPU's random generator", "%s", n == sizeof(random) ? "works" : "there is none");
}
