/* SPDX-License-Identifier: BSD-2-Clause */
/* close_range(2), closefrom(3): many descriptors at once. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "fd.h"
#include "result.h"

/* Descriptors in between that are not open are no error. */
int close_range(unsigned first, unsigned last, int flags)
{
    if (first > last || (flags & ~CLOSE_RANGE_CLOEXEC)) {
        return (int)libc_result(-EINVAL);
    }
    for (unsigned fd = first; fd <= last && fd < FILE_MAX_FDS; fd++) {
        if (flags & CLOSE_RANGE_CLOEXEC) {
            (void)fd_set_flags((int)fd, FD_CLOEXEC);
        } else {
            (void)fd_remove((int)fd);
        }
    }
    return 0;
}

void closefrom(int first)
{
    (void)close_range(first < 0 ? 0 : (unsigned)first, FILE_MAX_FDS, 0);
}
