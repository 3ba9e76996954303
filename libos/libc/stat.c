/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of a file by name: stat, access, statvfs; and of an open file: fstatvfs. */
#define _GNU_SOURCE /* euidaccess */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <pith/file.h>
#include <pith/fs.h>

#include "result.h"

int stat(const char *restrict path, struct stat *restrict st)
{
    return (int)libc_result(fs_stat(AT_FDCWD, path, st, 0));
}

int lstat(const char *restrict path, struct stat *restrict st)
{
    return (int)libc_result(fs_stat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW));
}

int fstatat(int dirfd, const char *restrict path, struct stat *restrict st, int flags)
{
    return (int)libc_result(fs_stat(dirfd, path, st, flags));
}

int access(const char *path, int mode)
{
    return (int)libc_result(fs_access(AT_FDCWD, path, mode, 0));
}

/* The real and the effective user are the same. */
int eaccess(const char *path, int mode)
{
    return access(path, mode);
}

int euidaccess(const char *path, int mode)
{
    return access(path, mode);
}

int faccessat(int dirfd, const char *path, int mode, int flags)
{
    return (int)libc_result(fs_access(dirfd, path, mode, flags));
}

int statvfs(const char *restrict path, struct statvfs *restrict out)
{
    return (int)libc_result(fs_statvfs(path, out));
}

int fstatvfs(int fd, struct statvfs *out)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return (int)libc_result(-EBADF);
    }
    int r = fs_fstatvfs(f, out);
    file_unref(f);
    return (int)libc_result(r);
}
