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
#include "file_locks.h"
#include "point.h"
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
static bool asks(int command)
{
    return command == F_GETLK || command == F_OFD_GETLK;
}

/* Is the request in order? Which bytes it is about, both included. */
static int check_lock(struct file *f, int command, const struct flock *lock, off_t *first, off_t *last)
{
    off_t start, end = 0;
    if (asks(command) && lock->l_type != F_RDLCK && lock->l_type != F_WRLCK) {
        return -EINVAL;
    }
    int r = lock_start(f, lock, &start);
    if (r != 0) {
        return r;
    }
    if (lock->l_len < 0 ? start + lock->l_len < 0 : __builtin_add_overflow(start, lock->l_len, &end)) {
        return lock->l_len < 0 ? -EINVAL : -EOVERFLOW;
    }
    *first = lock->l_len < 0 ? start + lock->l_len : start;
    *last = lock->l_len < 0 ? start - 1 : lock->l_len > 0 ? end - 1 : FILE_LOCK_END;
    int mode = f->flags & O_ACCMODE;
    if (asks(command)) {
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

/* What is asked of a process's locks, F_GETLK among it: there are none of others. */
static int record_lock(struct file *f, int command, struct flock *lock)
{
    off_t first, last;
    int r = lock != NULL ? check_lock(f, command, lock, &first, &last) : -EFAULT;
    if (r == 0 && command == F_GETLK) {
        lock->l_type = F_UNLCK;
    }
    return r;
}

/* Who has the lock, for F_OFD_GETLK. */
static void tell_lock(const struct file_lock *want, struct flock *lock)
{
    struct file_lock found;
    if (!file_lock_find(want, &found)) {
        lock->l_type = F_UNLCK;
        return;
    }
    *lock = (struct flock){
        .l_type = found.exclusive ? F_WRLCK : F_RDLCK,
        .l_whence = SEEK_SET,
        .l_start = found.first,
        .l_len = found.last == FILE_LOCK_END ? 0 : found.last - found.first + 1,
        .l_pid = -1,
    };
}

/* Locks of records that belong to an open file (fcntl(2), "Open file description locks"). */
static int open_file_lock(struct file *f, int command, struct flock *lock)
{
    struct file_lock want;
    int r = file_lock_describe(f, FILE_LOCK_RECORD, &want);
    if (lock == NULL) {
        return -EFAULT;
    }
    if (r == 0 && lock->l_pid != 0) {
        r = -EINVAL;
    }
    r = r == 0 ? check_lock(f, command, lock, &want.first, &want.last) : r;
    if (r != 0) {
        return r;
    }
    want.exclusive = lock->l_type == F_WRLCK;
    if (command == F_OFD_GETLK) {
        tell_lock(&want, lock);
        return 0;
    }
    return lock->l_type == F_UNLCK ? file_lock_release(&want)
                                   : file_lock_take(&want, command == F_OFD_SETLKW);
}

static int fcntl_once(int fd, int command, long arg)
{
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
        return dup_from(fd, (int)arg, command == F_DUPFD ? 0 : O_CLOEXEC);
    }
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return -EBADF;
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
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        r = open_file_lock(f, command, (struct flock *)arg);
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
    return r;
}

int fcntl(int fd, int command, ...)
{
    int r;
    va_list ap;
    va_start(ap, command);
    long arg = va_arg(ap, long); /* an int, or a pointer */
    va_end(ap);
    if (command == F_OFD_SETLKW) {
        LIBC_RESTARTING(r, fcntl_once(fd, command, arg));
    } else {
        r = fcntl_once(fd, command, arg);
    }
    return (int)libc_result(r);
}
