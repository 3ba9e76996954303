/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls on one descriptor that stdio does not need. */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <pith/anonfile.h>
#include <pith/file.h>

#include "point.h"
#include "result.h"

ssize_t pread(int fd, void *buf, size_t len, off_t offset)
{
    libc_point();
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
    libc_point();
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
    libc_point();
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

/* The same flag that F_SETFL changes, for any kind of file. */
static int set_nonblocking(struct file *f, const int *on)
{
    if (on == NULL) {
        return -EFAULT;
    }
    if (*on != 0) {
        __atomic_fetch_or(&f->flags, O_NONBLOCK, __ATOMIC_RELAXED);
    } else {
        __atomic_fetch_and(&f->flags, ~O_NONBLOCK, __ATOMIC_RELAXED);
    }
    return 0;
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
    int r = -ENOTTY;
    if (request == FIONBIO) {
        r = set_nonblocking(f, arg);
    } else if (f->ops->ioctl != NULL && (request >> 16 != FILE_IOCTL_PRIVATE)) {
        r = f->ops->ioctl(f, request, arg);
    }
    file_unref(f);
    return (int)libc_result(r);
}
