/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * readv and its kin: by one call of the kind of file, or else one buffer after the other. A short transfer ends the call, and an error after
 * the first byte becomes a short count, which is what POSIX asks for.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include <pith/file.h>

#include "point.h"
#include "result.h"

/* The lengths are there and add up to something that a ssize_t holds. */
static int check(const struct iovec *iov, int n)
{
    size_t total = 0;
    if (n < 0 || n > IOV_MAX) {
        return -EINVAL;
    }
    for (int i = 0; i < n; i++) {
        if (__builtin_add_overflow(total, iov[i].iov_len, &total) || total > PTRDIFF_MAX) {
            return -EINVAL;
        }
    }
    return 0;
}

/* Transfer one buffer; pos < 0 means at the file's position. */
static ssize_t one(struct file *f, bool write, const struct iovec *v, off_t pos)
{
    if (pos < 0) {
        return write ? file_write(f, v->iov_base, v->iov_len)
                     : file_read(f, v->iov_base, v->iov_len);
    }
    return write ? file_pwrite(f, v->iov_base, v->iov_len, pos)
                 : file_pread(f, v->iov_base, v->iov_len, pos);
}

/* All by one call, where the kind of file has one for that. */
static bool can_at_once(const struct file *f, bool write)
{
    return write ? f->ops->writev != NULL : f->ops->readv != NULL;
}

static ssize_t at_once(struct file *f, bool write, const struct iovec *iov, int n)
{
    int mode = __atomic_load_n(&f->flags, __ATOMIC_RELAXED) & O_ACCMODE;
    if (mode == (write ? O_RDONLY : O_WRONLY)) {
        return -EBADF;
    }
    return write ? f->ops->writev(f, iov, n) : f->ops->readv(f, iov, n);
}

static ssize_t all_once(int fd, bool write, const struct iovec *iov, int n, off_t pos)
{
    int bad = check(iov, n);
    if (bad != 0) {
        return bad;
    }
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return -EBADF;
    }
    ssize_t done = 0;
    if (pos < 0 && can_at_once(f, write)) {
        done = at_once(f, write, iov, n);
        file_unref(f);
        return done;
    }
    for (int i = 0; i < n; i++) {
        if (iov[i].iov_len == 0) {
            continue;
        }
        ssize_t r = one(f, write, &iov[i], pos < 0 ? pos : pos + done);
        if (r < 0) {
            done = done != 0 ? done : r;
            break;
        }
        done += r;
        if ((size_t)r < iov[i].iov_len) {
            break;
        }
    }
    file_unref(f);
    return done;
}

static ssize_t all(int fd, bool write, const struct iovec *iov, int n, off_t pos)
{
    ssize_t r;
    LIBC_RESTARTING(r, all_once(fd, write, iov, n, pos));
    return libc_result(r);
}

ssize_t readv(int fd, const struct iovec *iov, int n)
{
    return all(fd, false, iov, n, -1);
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
    return all(fd, true, iov, n, -1);
}

ssize_t preadv(int fd, const struct iovec *iov, int n, off_t offset)
{
    return offset < 0 ? libc_result(-EINVAL) : all(fd, false, iov, n, offset);
}

ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t offset)
{
    return offset < 0 ? libc_result(-EINVAL) : all(fd, true, iov, n, offset);
}
