/* SPDX-License-Identifier: BSD-2-Clause */
/* flock(): locks of whole files, each held by an open file (flock(2)). */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include <pith/file.h>

#include "file_locks.h"
#include "point.h"
#include "result.h"

static int lock_file(struct file *f, int operation)
{
    struct file_lock want;
    int kind = operation & ~LOCK_NB;
    if (kind != LOCK_UN && kind != LOCK_SH && kind != LOCK_EX) {
        return -EINVAL;
    }
    int r = file_lock_describe(f, FILE_LOCK_WHOLE, &want);
    if (kind == LOCK_UN) {
        return file_lock_release(&want);
    }
    want.exclusive = kind == LOCK_EX;
    return r != 0 ? r : file_lock_take(&want, !(operation & LOCK_NB));
}

static int flock_once(int fd, int operation)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return -EBADF;
    }
    int r = lock_file(f, operation);
    file_unref(f);
    return r;
}

int flock(int fd, int operation)
{
    int r;
    LIBC_RESTARTING(r, flock_once(fd, operation));
    return (int)libc_result(r);
}
