/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is a file: shm_open() by names in /run/shm, memfd_create() without one. Both are
 * files of the memory file system, whose own pages a shared mapping shows.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pith/random.h>

#include "result.h"

#define FOLDER     "/run/shm/"
#define MEMFD_NAME 249 /* bytes of a memfd's name, as on Linux */
#define TRIES      100

/* Names that exist stay as they are. */
static void make_folder(void)
{
    int was = errno;
    if (mkdir("/run", 0755) == 0 || errno == EEXIST) {
        if (mkdir("/run/shm", 01777) == 0) {
            (void)chmod("/run/shm", 01777); /* whatever umask() says */
        }
    }
    errno = was;
}

/* The path of a name, as glibc has it: leading slashes are nothing, others are wrong. */
static int path_of(const char *name, char path[sizeof(FOLDER) + NAME_MAX])
{
    name += strspn(name, "/");
    size_t len = strlen(name);
    if (len == 0 || len > NAME_MAX || strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0) {
        return -EINVAL;
    }
    memcpy(path, FOLDER, sizeof(FOLDER) - 1);
    memcpy(path + sizeof(FOLDER) - 1, name, len + 1);
    return 0;
}

int shm_open(const char *name, int flags, mode_t mode)
{
    char path[sizeof(FOLDER) + NAME_MAX];
    int r = path_of(name, path);
    if (r != 0) {
        return (int)libc_result(r);
    }
    if (flags & O_CREAT) {
        make_folder();
    }
    return open(path, flags | O_NOFOLLOW | O_CLOEXEC, mode);
}

int shm_unlink(const char *name)
{
    char path[sizeof(FOLDER) + NAME_MAX];
    int r = path_of(name, path);
    return r != 0 ? (int)libc_result(-ENOENT) : unlink(path);
}

int memfd_create(const char *name, unsigned flags)
{
    if ((flags & ~(unsigned)(MFD_CLOEXEC | MFD_ALLOW_SEALING)) != 0 ||
        strnlen(name, MEMFD_NAME + 1) > MEMFD_NAME) {
        return (int)libc_result(-EINVAL);
    }
    make_folder();
    for (int i = 0; i < TRIES; i++) {
        char path[sizeof(FOLDER) + 32];
        uint64_t number;
        random_bytes(&number, sizeof(number));
        snprintf(path, sizeof(path), FOLDER ".memfd-%016llx", (unsigned long long)number);
        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | (flags & MFD_CLOEXEC ? O_CLOEXEC : 0), 0777);
        if (fd >= 0) {
            unlink(path); /* it lives until it is closed and unmapped */
            return fd;
        }
        if (errno != EEXIST) {
            return -1;
        }
    }
    return -1;
}
