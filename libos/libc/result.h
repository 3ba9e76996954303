/* SPDX-License-Identifier: BSD-2-Clause */
/* From libos' results to the C library's: the one place where errno is set. */
#pragma once

#include <errno.h>
#include <sys/types.h>

/* r when it is no error, else -1 with errno set. */
static inline ssize_t libc_result(ssize_t r)
{
    if (__builtin_expect(r < 0, 0)) {
        errno = (int)-r;
        return -1;
    }
    return r;
}
