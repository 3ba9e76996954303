/* SPDX-License-Identifier: BSD-2-Clause */
/* ftruncate, advice and sync_file_range: what needs an open file and not the tree of names. */
#define _GNU_SOURCE /* sync_file_range */
#include <fcntl.h>
#include <unistd.h>

#include <pith/file.h>

#include "result.h"

static int set_size(struct file *f, off_t size)
{
    if (size < 0 || f->ops->truncate == NULL || (f->flags & O_ACCMODE) == O_RDONLY) {
        return -EINVAL;
    }
    return f->ops->truncate(f, size);
}

int ftruncate(int fd, off_t size)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return (int)libc_result(-EBADF);
    }
    int r = set_size(f, size);
    file_unref(f);
    return (int)libc_result(r);
}

/* Nothing is read ahead. */
int posix_fadvise(int fd, off_t pos, off_t len, int advice)
{
    (void)pos;
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return EBADF;
    }
    int r = f->ops->pread == NULL ? ESPIPE : 0;
    if (r == 0 && (len < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE)) {
        r = EINVAL;
    }
    file_unref(f);
    return r;
}

/* A part can't be written alone: all of the file is. SYNC_FILE_RANGE_WRITE by itself need not wait. */
int sync_file_range(int fd, off_t pos, off_t len, unsigned flags)
{
    const unsigned wait = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER;
    off_t end;
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return (int)libc_result(-EBADF);
    }
    int r = f->ops->pread == NULL ? -ESPIPE : 0;
    if ((flags & ~(wait | SYNC_FILE_RANGE_WRITE)) || pos < 0 || len < 0 ||
        __builtin_add_overflow(pos, len, &end)) {
        r = -EINVAL;
    } else if (r == 0 && (flags & wait) && f->ops->fsync != NULL) {
        r = f->ops->fsync(f);
    }
    file_unref(f);
    return (int)libc_result(r);
}
