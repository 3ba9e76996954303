/* SPDX-License-Identifier: BSD-2-Clause */
/* lockf(): record locks from the file's position on, by way of fcntl(). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "result.h"

int lockf(int fd, int command, off_t len)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_len = len };
    switch (command) {
    case F_TEST:
        lock.l_type = F_RDLCK;
        return fcntl(fd, F_GETLK, &lock); /* nobody else can have it */
    case F_ULOCK:
        lock.l_type = F_UNLCK;
        return fcntl(fd, F_SETLK, &lock);
    case F_LOCK:
        return fcntl(fd, F_SETLKW, &lock);
    case F_TLOCK:
        return fcntl(fd, F_SETLK, &lock);
    default:
        return (int)libc_result(-EINVAL);
    }
}
