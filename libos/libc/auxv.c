/* SPDX-License-Identifier: BSD-2-Clause */
/* getauxval(): of what Linux tells, what has a meaning without a loader. */
#include <cpuid.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <pith/page.h>
#include <pith/random.h>

#define RANDOM_BYTES 16

static uint8_t random_at_start[RANDOM_BYTES];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_random(void)
{
    random_bytes(random_at_start, sizeof(random_at_start));
}

/* CPUID 1, EDX, as Linux has it for x86. */
static unsigned long features(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) ? d : 0;
}

unsigned long getauxval(unsigned long type)
{
    switch (type) {
    case AT_PAGESZ:
        return PAGE_SIZE;
    case AT_CLKTCK:
        return (unsigned long)sysconf(_SC_CLK_TCK);
    case AT_HWCAP:
        return features();
    case AT_MINSIGSTKSZ:
        return MINSIGSTKSZ;
    case AT_PLATFORM:
        return (uintptr_t)"x86_64";
    case AT_RANDOM:
        pthread_once(&once, make_random);
        return (uintptr_t)random_at_start;
    case AT_UID: /* root, who has not become it by a program's bits */
    case AT_EUID:
    case AT_GID:
    case AT_EGID:
    case AT_SECURE:
    case AT_FLAGS:
    case AT_BASE: /* no loader */
        return 0;
    default:
        errno = ENOENT;
        return 0;
    }
}
