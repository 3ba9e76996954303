/* SPDX-License-Identifier: BSD-2-Clause */
/* New files become descriptors. */
#include "fd.h"

int fd_give(struct file *f, int flags)
{
    int fd = fd_install(f, 0, flags);
    if (fd < 0) {
        file_unref(f);
    }
    return fd;
}

int fd_give_two(struct file *const files[2], int fds[2], int flags)
{
    int first = fd_give(files[0], flags);
    if (first < 0) {
        file_unref(files[1]);
        return first;
    }
    int second = fd_give(files[1], flags);
    if (second < 0) {
        fd_remove(first);
        return second;
    }
    fds[0] = first;
    fds[1] = second;
    return 0;
}
