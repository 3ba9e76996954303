/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls on one descriptor that stdio needs: read, write, lseek, fstat, isatty, close. */
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pith/console.h>
#include <pith/file.h>

#include "fd.h"
#include "point.h"
#include "result.h"

static ssize_t read_once(int fd, void *buf, size_t len)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return -EBADF;
    }
    ssize_t r = file_read(f, buf, len);
    file_unref(f);
    return r;
}

ssize_t read(int fd, void *buf, size_t len)
{
    ssize_t r;
    LIBC_RESTARTING(r, read_once(fd, buf, len));
    return libc_result(r);
}

static ssize_t write_once(int fd, const void *buf, size_t len)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return -EBADF;
    }
    ssize_t r = file_write(f, buf, len);
    file_unref(f);
    return r;
}

ssize_t write(int fd, const void *buf, size_t len)
{
    ssize_t r;
    LIBC_RESTARTING(r, write_once(fd, buf, len));
    return libc_result(r);
}

off_t lseek(int fd, off_t offset, int whence)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return libc_result(-EBADF);
    }
    off_t r = file_seek(f, offset, whence);
    file_unref(f);
    return libc_result(r);
}

int fstat(int fd, struct stat *st)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return (int)libc_result(-EBADF);
    }
    memset(st, 0, sizeof(*st));
    int r = f->ops->fstat != NULL ? f->ops->fstat(f, st) : -EINVAL;
    file_unref(f);
    return (int)libc_result(r);
}

int isatty(int fd)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        errno = EBADF;
        return 0;
    }
    bool tty = f == &console_file && console_is_tty(fd);
    file_unref(f);
    if (!tty) {
        errno = ENOTTY;
    }
    return tty;
}

int close(int fd)
{
    libc_point();
    return (int)libc_result(fd_remove(fd));
}
