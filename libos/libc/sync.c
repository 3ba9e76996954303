/* SPDX-License-Identifier: BSD-2-Clause */
/* sync() and syncfs(). Files in memory have nothing to sync; those of the host are the host's when written. */
#define _GNU_SOURCE /* syncfs */
#include <errno.h>
#include <unistd.h>

#include <pith/file.h>
#include <pith/fs.h>

#include "result.h"

void sync(void)
{
    (void)fs_sync(); /* no result: the next fsync() tells */
}

/* Of all: nobody has so many disks that the others' share would matter. */
int syncfs(int fd)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return (int)libc_result(-EBADF);
    }
    file_unref(f);
    return (int)libc_result(fs_sync());
}
