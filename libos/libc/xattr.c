/* SPDX-License-Identifier: BSD-2-Clause */
/* Extended attributes, of which no file has any: the answers of a file system without them. */
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "result.h"

/* `answer`, -errno or 0, when there is such a file; stat() has set errno when there is not. */
static int of_path(const char *path, bool follow, int answer)
{
    struct stat st;
    int r = follow ? stat(path, &st) : lstat(path, &st);
    return r != 0 ? r : (int)libc_result(answer);
}

static int of_fd(int fd, int answer)
{
    struct stat st;
    int r = fstat(fd, &st);
    return r != 0 ? r : (int)libc_result(answer);
}

static int set_answer(int flags)
{
    return flags & ~(XATTR_CREATE | XATTR_REPLACE) ? -EINVAL : -EOPNOTSUPP;
}

ssize_t getxattr(const char *path, const char *name, void *value, size_t size)
{
    (void)name;
    (void)value;
    (void)size;
    return of_path(path, true, -EOPNOTSUPP);
}

ssize_t lgetxattr(const char *path, const char *name, void *value, size_t size)
{
    (void)name;
    (void)value;
    (void)size;
    return of_path(path, false, -EOPNOTSUPP);
}

ssize_t fgetxattr(int fd, const char *name, void *value, size_t size)
{
    (void)name;
    (void)value;
    (void)size;
    return of_fd(fd, -EOPNOTSUPP);
}

int setxattr(const char *path, const char *name, const void *value, size_t size, int flags)
{
    (void)name;
    (void)value;
    (void)size;
    return of_path(path, true, set_answer(flags));
}

int lsetxattr(const char *path, const char *name, const void *value, size_t size, int flags)
{
    (void)name;
    (void)value;
    (void)size;
    return of_path(path, false, set_answer(flags));
}

int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)
{
    (void)name;
    (void)value;
    (void)size;
    return of_fd(fd, set_answer(flags));
}

ssize_t listxattr(const char *path, char *list, size_t size)
{
    (void)list;
    (void)size;
    return of_path(path, true, 0);
}

ssize_t llistxattr(const char *path, char *list, size_t size)
{
    (void)list;
    (void)size;
    return of_path(path, false, 0);
}

ssize_t flistxattr(int fd, char *list, size_t size)
{
    (void)list;
    (void)size;
    return of_fd(fd, 0);
}

int removexattr(const char *path, const char *name)
{
    (void)name;
    return of_path(path, true, -EOPNOTSUPP);
}

int lremovexattr(const char *path, const char *name)
{
    (void)name;
    return of_path(path, false, -EOPNOTSUPP);
}

int fremovexattr(int fd, const char *name)
{
    (void)name;
    return of_fd(fd, -EOPNOTSUPP);
}
