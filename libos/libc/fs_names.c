/* SPDX-License-Identifier: BSD-2-Clause */
/* Changing the tree of names, and walking about in it. */
#define _GNU_SOURCE /* renameat2, get_current_dir_name */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pith/file.h>
#include <pith/fs.h>

#include "result.h"

int mkdir(const char *path, mode_t mode)
{
    return (int)libc_result(fs_mkdir(AT_FDCWD, path, mode));
}

int mkdirat(int dirfd, const char *path, mode_t mode)
{
    return (int)libc_result(fs_mkdir(dirfd, path, mode));
}

int rmdir(const char *path)
{
    return (int)libc_result(fs_unlink(AT_FDCWD, path, AT_REMOVEDIR));
}

int unlink(const char *path)
{
    return (int)libc_result(fs_unlink(AT_FDCWD, path, 0));
}

int unlinkat(int dirfd, const char *path, int flags)
{
    return (int)libc_result(fs_unlink(dirfd, path, flags));
}

/* C11 7.21.4.1; POSIX has it remove directories, too. */
int remove(const char *path)
{
    int r = fs_unlink(AT_FDCWD, path, 0);
    if (r == -EISDIR) {
        r = fs_unlink(AT_FDCWD, path, AT_REMOVEDIR);
    }
    return (int)libc_result(r);
}

int rename(const char *from, const char *to)
{
    return (int)libc_result(fs_rename(AT_FDCWD, from, AT_FDCWD, to, 0));
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return (int)libc_result(fs_rename(from_fd, from, to_fd, to, 0));
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    return (int)libc_result(fs_rename(from_fd, from, to_fd, to, flags));
}

int link(const char *from, const char *to)
{
    return (int)libc_result(fs_link(AT_FDCWD, from, AT_FDCWD, to, 0));
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    return (int)libc_result(fs_link(from_fd, from, to_fd, to, flags));
}

int symlink(const char *target, const char *path)
{
    return (int)libc_result(fs_symlink(target, AT_FDCWD, path));
}

int symlinkat(const char *target, int dirfd, const char *path)
{
    return (int)libc_result(fs_symlink(target, dirfd, path));
}

ssize_t readlink(const char *restrict path, char *restrict buf, size_t size)
{
    return libc_result(fs_readlink(AT_FDCWD, path, buf, size));
}

ssize_t readlinkat(int dirfd, const char *restrict path, char *restrict buf, size_t size)
{
    return libc_result(fs_readlink(dirfd, path, buf, size));
}

int mknod(const char *path, mode_t mode, dev_t dev)
{
    (void)dev;
    return (int)libc_result(fs_mknod(AT_FDCWD, path, mode));
}

int mknodat(int dirfd, const char *path, mode_t mode, dev_t dev)
{
    (void)dev;
    return (int)libc_result(fs_mknod(dirfd, path, mode));
}

int mkfifo(const char *path, mode_t mode)
{
    return (int)libc_result(fs_mknod(AT_FDCWD, path, S_IFIFO | mode));
}

int mkfifoat(int dirfd, const char *path, mode_t mode)
{
    return (int)libc_result(fs_mknod(dirfd, path, S_IFIFO | mode));
}

mode_t umask(mode_t mask)
{
    return fs_umask(mask);
}

int chdir(const char *path)
{
    return (int)libc_result(fs_chdir(path));
}

int fchdir(int fd)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return (int)libc_result(-EBADF);
    }
    int r = fs_fchdir(f);
    file_unref(f);
    return (int)libc_result(r);
}

/* A path of at most PATH_MAX bytes into memory of the caller or, with NULL, from malloc(). */
static char *to_buffer(int (*get)(const char *path, char *out, size_t size), const char *path,
                       char *buf, size_t size)
{
    char *into = buf != NULL ? buf : malloc(size);
    int r = into == NULL ? -ENOMEM : get(path, into, size);
    if (r == 0) {
        return buf != NULL ? buf : realloc(into, strlen(into) + 1);
    }
    if (buf == NULL) {
        free(into);
    }
    errno = -r;
    return NULL;
}

static int get_cwd(const char *unused, char *out, size_t size)
{
    (void)unused;
    return fs_getcwd(out, size);
}

char *getcwd(char *buf, size_t size)
{
    if (size == 0 && buf != NULL) {
        errno = EINVAL;
        return NULL;
    }
    return to_buffer(get_cwd, NULL, buf, size != 0 ? size : PATH_MAX);
}

char *realpath(const char *restrict path, char *restrict resolved)
{
    if (path == NULL) {
        errno = EINVAL;
        return NULL;
    }
    return to_buffer(fs_realpath, path, resolved, PATH_MAX);
}
