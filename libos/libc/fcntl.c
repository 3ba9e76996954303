/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors and their flags: dup, fcntl. */
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

static int dup_from(int fd, int from, int flags)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return -EBADF;
    }
    int r = fd_install(f, from, flags);
    if (r < 0) {
        file_unref(f);
    }
    return r;
}

static int dup_to(int fd, int to, int flags)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return -EBADF;
    }
    int r = fd_replace(f, to, flags);
    if (r < 0) {
        file_unref(f);
    }
    return r;
}

int dup(int fd)
{
    return (int)libc_result(dup_from(fd, 0, 0));
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
    return (int)libc_result(dup_to(fd, to, 0));
}

int dup3(int fd, int to, int flags)
{
    if (fd == to || (flags & ~O_CLOEXEC) != 0) {
        return (int)libc_result(-EINVAL);
    }
    return (int)libc_result(dup_to(fd, to, flags));
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

/* Where a lock begins. Errors: -EINVAL. */
static int lock_start(struct file *f, const struct flock *lock, off_t *start)
{
    off_t base = 0;
    if (lock->l_whence == SEEK_CUR) {
        base = f->pos;
    } else if (lock->l_whence == SEEK_END) {
        base = f->ops->size != NULL ? f->ops->size(f) : 0;
    } else if (lock->l_whence != SEEK_SET) {
        return -EINVAL;
    }
    if (__builtin_add_overflow(base, lock->l_start, start)) {
        return -EOVERFLOW;
    }
    return *start < 0 ? -EINVAL : 0;
}

/*
 * Locks of records belong to a process, and there is one: they never conflict, so that nothing has
 * to be kept of them. What is wrong with a request is told all the same, in Linux's order
 * (fs/locks.c, flock_to_posix_lock()).
 */
static int record_lock(struct file *f, int command, struct flock *lock)
{
    off_t start, end;
    if (lock == NULL) {
        return -EFAULT;
    }
    if (command == F_GETLK && lock->l_type != F_RDLCK && lock->l_type != F_WRLCK) {
        return -EINVAL;
    }
    int r = lock_start(f, lock, &start);
    if (r != 0) {
        return r;
    }
    if (lock->l_len < 0 ? start + lock->l_len < 0 : __builtin_add_overflow(start, lock->l_len, &end)) {
        return lock->l_len < 0 ? -EINVAL : -EOVERFLOW;
    }
    int mode = f->flags & O_ACCMODE;
    if (command == F_GETLK) {
        lock->l_type = F_UNLCK;
        return 0;
    }
    switch (lock->l_type) {
    case F_RDLCK:
        return mode == O_WRONLY ? -EBADF : 0;
    case F_WRLCK:
        return mode == O_RDONLY ? -EBADF : 0;
    case F_UNLCK:
        return 0;
    default:
        return -EINVAL;
    }
}

int fcntl(int fd, int command, ...)
{
    va_list ap;
    va_start(ap, command);
    long arg = va_arg(ap, long); /* an int, or a pointer */
    va_end(ap);
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
        return (int)libc_result(dup_from(fd, (int)arg, command == F_DUPFD ? 0 : O_CLOEXEC));
    }
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return (int)libc_result(-EBADF);
    }
    int r;
    switch (command) {
    case F_GETFD:
        r = fd_get_flags(fd);
        break;
    case F_SETFD:
        r = fd_set_flags(fd, (int)arg);
        break;
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
        r = record_lock(f, command, (struct flock *)arg);
        break;
    case F_GETFL:
        r = __atomic_load_n(&f->flags, __ATOMIC_RELAXED);
        break;
    case F_SETFL:
        r = set_flags(f, (int)arg);
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
