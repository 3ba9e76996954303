/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits of a file: the same for all of them. */
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 65000 /* libos/fs/ramfs_dir.c */

static long limit_of(int name)
{
    switch (name) {
    case _PC_LINK_MAX:
        return LINKS_MAX;
    case _PC_NAME_MAX:
        return NAME_MAX;
    case _PC_PATH_MAX:
        return PATH_MAX;
    case _PC_PIPE_BUF:
        return PIPE_BUF;
    case _PC_MAX_CANON:
    case _PC_MAX_INPUT:
        return 255;
    case _PC_FILESIZEBITS:
        return 64;
    case _PC_SYMLINK_MAX:
        return PATH_MAX - 1;
    case _PC_NO_TRUNC:
    case _PC_CHOWN_RESTRICTED:
        return 1;
    case _PC_VDISABLE:
        return 0;
    case _PC_ASYNC_IO:
    case _PC_PRIO_IO:
    case _PC_SYNC_IO:
        return -1; /* not offered: errno stays */
    default:
        errno = EINVAL;
        return -1;
    }
}

long pathconf(const char *path, int name)
{
    struct stat st;
    return stat(path, &st) == 0 ? limit_of(name) : -1;
}

long fpathconf(int fd, int name)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? limit_of(name) : -1;
}
