/* SPDX-License-Identifier: BSD-2-Clause */
/* Locking of memory: all of it is, always. */
#include <sys/mman.h>

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "result.h"

int mlock(const void *addr, size_t len)
{
    return (int)libc_result(len > UINTPTR_MAX - (uintptr_t)addr ? -EINVAL : 0);
}

int munlock(const void *addr, size_t len)
{
    return mlock(addr, len);
}

int mlockall(int flags)
{
    bool wrong = flags == 0 || flags == MCL_ONFAULT ||
                 (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT));
    return (int)libc_result(wrong ? -EINVAL : 0);
}

int munlockall(void)
{
    return 0;
}
