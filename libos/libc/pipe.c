/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes as descriptors. */
#define _GNU_SOURCE /* pipe2 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <pith/anonfile.h>

#include "fd.h"
#include "result.h"

/* O_DIRECT's packets aren't there: -EINVAL, as POSIX has it for flags that mean nothing. */
static int make(int fds[2], int flags)
{
    struct file *ends[2];
    if ((flags & ~(O_NONBLOCK | O_CLOEXEC)) != 0) {
        return -EINVAL;
    }
    int r = pipe_new(ends, flags & O_NONBLOCK);
    return r < 0 ? r : fd_give_two(ends, fds, flags);
}

int pipe(int fds[2])
{
    return (int)libc_result(make(fds, 0));
}

int pipe2(int fds[2], int flags)
{
    return (int)libc_result(make(fds, flags));
}
