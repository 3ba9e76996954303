/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls on one descriptor that stdio does not need. */
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <pith/file.h>

#include "result.h"

ssize_t pread(int fd, void *buf, size_t len, off_t offset)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return libc_result(-EBADF);
    }
    ssize_t r = file_pread(f, buf, len, offset);
    file_unref(f);
    return libc_result(r);
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t offset)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return libc_result(-EBADF);
    }
    ssize_t r = file_pwrite(f, buf, len, offset);
    file_unref(f);
    return libc_result(r);
}

int fsync(int fd)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return (int)libc_result(-EBADF);
    }
    int r = f->ops->fsync != NULL ? f->ops->fsync(f) : -EINVAL;
    file_unref(f);
    return (int)libc_result(r);
}

int fdatasync(int fd)
{
    return fsync(fd);
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    va_start(ap, request);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return (int)libc_result(-EBADF);
    }
    int r = f->ops->ioctl != NULL ? f->ops->ioctl(f, request, arg) : -ENOTTY;
    file_unref(f);
    return (int)libc_result(r);
}
