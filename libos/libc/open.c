/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening files by name, and what can be asked of them by name. */
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pith/file.h>

#include "result.h"

/* The flags that the open file keeps. */
#define KEPT_FLAGS (O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DIRECT)

static int open_path(const char *path, int flags)
{
    struct file *f;
    if ((flags & O_ACCMODE) == O_ACCMODE) {
        return -EINVAL;
    }
    int r = file_open(path, flags, &f);
    if (r != 0) {
        return r;
    }
    if (f != &console_file) {
        f->flags = flags & KEPT_FLAGS;
    }
    r = fd_install(f, 0);
    if (r < 0) {
        file_unref(f);
    }
    return r;
}

/* The mode of O_CREAT isn't looked at: nothing that can be created has permissions. */
int open(const char *path, int flags, ...)
{
    return (int)libc_result(open_path(path, flags));
}

int creat(const char *path, mode_t mode)
{
    (void)mode;
    return (int)libc_result(open_path(path, O_WRONLY | O_CREAT | O_TRUNC));
}

int stat(const char *restrict path, struct stat *restrict st)
{
    struct file *f;
    int r = file_open(path, O_RDONLY, &f);
    if (r == 0) {
        memset(st, 0, sizeof(*st));
        r = f->ops->fstat != NULL ? f->ops->fstat(f, st) : -EINVAL;
        file_unref(f);
    }
    return (int)libc_result(r);
}

/* There are no symbolic links. newlib's <sys/stat.h> declares this for some systems only. */
int lstat(const char *restrict path, struct stat *restrict st);

int lstat(const char *restrict path, struct stat *restrict st)
{
    return stat(path, st);
}

int access(const char *path, int mode)
{
    struct file *f;
    int r = file_open(path, mode & W_OK ? O_RDWR : O_RDONLY, &f);
    if (r == 0) {
        file_unref(f);
        r = mode & X_OK ? -EACCES : 0;
    }
    return (int)libc_result(r);
}
