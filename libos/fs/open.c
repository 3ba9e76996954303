/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of files. So far there is one namespace, /dev.
 *
 * Only open() and its kin refer to this file, so a program that opens nothing has no block devices
 * in its image.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <pith/file.h>

#include "devfs.h"

#define PATH_LENGTH_MAX 1024u

int file_open(const char *path, int flags, struct file **out)
{
    if (path[0] == '\0') {
        return -ENOENT;
    }
    if (strnlen(path, PATH_LENGTH_MAX) == PATH_LENGTH_MAX) {
        return -ENAMETOOLONG;
    }
    while (path[0] == '/' && path[1] == '/') {
        path++;
    }
    if (strncmp(path, "/dev/", 5) != 0) {
        /* Nothing else exists, and there is no place to create it. */
        return flags & O_CREAT ? -EROFS : -ENOENT;
    }
    path += 5 + strspn(path + 5, "/");
    int r = devfs_open(path, flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY), out);
    if (r == -ENOENT) {
        return flags & O_CREAT ? -EROFS : -ENOENT;
    }
    if (r == 0 && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
        file_unref(*out);
        return -EEXIST;
    }
    if (r == 0 && (flags & O_DIRECTORY)) {
        file_unref(*out);
        return -ENOTDIR;
    }
    return r;
}
