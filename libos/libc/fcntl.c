/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors and their flags: dup, fcntl. Close-on-exec is accepted and means nothing: there is
 * no exec.
 */
#define _GNU_SOURCE /* dup3 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <unistd.h>

#include <pith/anonfile.h>
#include <pith/file.h>

#include "fd.h"
#include "result.h"

#define SETTABLE (O_APPEND | O_NONBLOCK)

static int dup_from(int fd, int from)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return -EBADF;
    }
    int r = fd_install(f, from);
    if (r < 0) {
        file_unref(f);
    }
    return r;
}

static int dup_to(int fd, int to)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return -EBADF;
    }
    int r = fd_replace(f, to);
    if (r < 0) {
        file_unref(f);
    }
    return r;
}

int dup(int fd)
{
    return (int)libc_result(dup_from(fd, 0));
}

int dup2(int fd, int to)
{
    if (fd == to) {
        struct file *f = fd_get(fd);
        if (f != NULL) {
            file_unref(f);
        }
        return (int)libc_result(f != NULL ? to : -EBADF);
    }
    return (int)libc_result(dup_to(fd, to));
}

int dup3(int fd, int to, int flags)
{
    if (fd == to || (flags & ~O_CLOEXEC) != 0) {
        return (int)libc_result(-EINVAL);
    }
    return (int)libc_result(dup_to(fd, to));
}

static int set_flags(struct file *f, int flags)
{
    int old = __atomic_load_n(&f->flags, __ATOMIC_RELAXED);
    int new;
    do {
        new = (old & ~SETTABLE) | (flags & SETTABLE);
    } while (!__atomic_compare_exchange_n(&f->flags, &old, new, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return 0;
}

/* Asked by way of ioctl, so that fcntl() doesn't bring the pipes into an image without any. */
static int pipe_size(struct file *f, unsigned long request, unsigned long size)
{
    int r = f->ops->ioctl != NULL ? f->ops->ioctl(f, request, (void *)size) : -ENOTTY;
    return r == -ENOTTY ? -EBADF : r;
}

int fcntl(int fd, int command, ...)
{
    va_list ap;
    va_start(ap, command);
    int arg = va_arg(ap, int);
    va_end(ap);
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
        return (int)libc_result(dup_from(fd, arg));
    }
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return (int)libc_result(-EBADF);
    }
    int r;
    switch (command) {
    case F_GETFD:
    case F_SETFD:
        r = 0;
        break;
    case F_GETFL:
        r = __atomic_load_n(&f->flags, __ATOMIC_RELAXED);
        break;
    case F_SETFL:
        r = set_flags(f, arg);
        break;
    case F_GETPIPE_SZ:
        r = pipe_size(f, FILE_IOCTL_GET_PIPE_SIZE, 0);
        break;
    case F_SETPIPE_SZ:
        r = pipe_size(f, FILE_IOCTL_SET_PIPE_SIZE, (unsigned)arg);
        break;
    default:
        r = -EINVAL;
    }
    file_unref(f);
    return (int)libc_result(r);
}
