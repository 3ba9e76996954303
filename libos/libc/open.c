/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening files by name. */
#include <fcntl.h>
#include <stdarg.h>

#include <pith/file.h>
#include <pith/fs.h>

#include "point.h"
#include "result.h"

static int open_at(int dirfd, const char *path, int flags, mode_t mode)
{
    struct file *f;
    libc_point();
    int r = fs_open(dirfd, path, flags, mode, &f);
    if (r == 0) {
        r = fd_install(f, 0, flags);
        if (r < 0) {
            file_unref(f);
        }
    }
    return (int)libc_result(r);
}

/* The third argument is there with O_CREAT only. */
static mode_t mode_of(int flags, va_list ap)
{
    return flags & O_CREAT ? va_arg(ap, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = mode_of(flags, ap);
    va_end(ap);
    return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int dirfd, const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = mode_of(flags, ap);
    va_end(ap);
    return open_at(dirfd, path, flags, mode);
}

int creat(const char *path, mode_t mode)
{
    return open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}
