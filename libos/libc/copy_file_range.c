/* SPDX-License-Identifier: BSD-2-Clause */
/* copy_file_range() and fallocate(). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pith/file.h>
#include <pith/fs.h>
#include <pith/heap.h>

#include "result.h"

#define BUFFER_SIZE 65536u

static int stat_of(struct file *f, struct stat *st)
{
    memset(st, 0, sizeof(*st));
    return f->ops->fstat != NULL ? f->ops->fstat(f, st) : -EINVAL;
}

/* What speaks against it, in Linux's order (fs/read_write.c, generic_copy_file_checks()). */
static int check(struct file *in, off_t from, struct file *out, off_t to, size_t len)
{
    struct stat a, b;
    if (stat_of(in, &a) != 0 || stat_of(out, &b) != 0) {
        return -EINVAL;
    }
    if (S_ISDIR(a.st_mode) || S_ISDIR(b.st_mode)) {
        return -EISDIR;
    }
    if (!S_ISREG(a.st_mode) || !S_ISREG(b.st_mode)) {
        return -EINVAL;
    }
    if ((in->flags & O_ACCMODE) == O_WRONLY || (out->flags & O_ACCMODE) == O_RDONLY ||
        (out->flags & O_APPEND)) {
        return -EBADF;
    }
    off_t end;
    if (from < 0 || to < 0) {
        return -EINVAL;
    }
    if (__builtin_add_overflow(from, (off_t)len, &end) ||
        __builtin_add_overflow(to, (off_t)len, &end)) {
        return -EOVERFLOW;
    }
    bool same = a.st_dev == b.st_dev && a.st_ino == b.st_ino;
    return same && from < to + (off_t)len && to < from + (off_t)len ? -EINVAL : 0;
}

/* Copy up to len bytes; returns how many, or why none. */
static ssize_t copy(struct file *in, off_t from, struct file *out, off_t to, size_t len)
{
    char *buf = heap_alloc(BUFFER_SIZE);
    size_t done = 0;
    ssize_t r = buf == NULL ? -ENOMEM : 0;
    while (r >= 0 && done < len) {
        size_t n = len - done < BUFFER_SIZE ? len - done : BUFFER_SIZE;
        r = file_pread(in, buf, n, from + (off_t)done);
        if (r <= 0) {
            break;
        }
        size_t got = (size_t)r;
        r = file_pwrite(out, buf, got, to + (off_t)done);
        done += r > 0 ? (size_t)r : 0;
        if (r >= 0 && (size_t)r < got) {
            break;
        }
    }
    heap_free(buf);
    return done != 0 || r >= 0 ? (ssize_t)done : r;
}

static ssize_t copy_range(struct file *in, off_t *in_pos, struct file *out, off_t *out_pos, size_t len)
{
    off_t from = in_pos != NULL ? *in_pos : in->pos, to = out_pos != NULL ? *out_pos : out->pos;
    len = len < 0x7ffff000u ? len : 0x7ffff000u;
    ssize_t r = check(in, from, out, to, len);
    r = r == 0 ? copy(in, from, out, to, len) : r;
    if (r > 0) {
        if (in_pos != NULL) {
            *in_pos += r;
        } else {
            (void)file_seek(in, from + r, SEEK_SET);
        }
        if (out_pos != NULL) {
            *out_pos += r;
        } else {
            (void)file_seek(out, to + r, SEEK_SET);
        }
    }
    return r;
}

ssize_t copy_file_range(int in_fd, off_t *in_pos, int out_fd, off_t *out_pos, size_t len, unsigned flags)
{
    struct file *in = fd_get(in_fd), *out = fd_get(out_fd);
    ssize_t r = in == NULL || out == NULL ? -EBADF : flags != 0 ? -EINVAL : 0;
    if (r == 0) {
        r = copy_range(in, in_pos, out, out_pos, len);
    }
    if (in != NULL) {
        file_unref(in);
    }
    if (out != NULL) {
        file_unref(out);
    }
    return libc_result(r);
}

/* Space alone; holes are neither made nor moved. */
int fallocate(int fd, int mode, off_t pos, off_t len)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return (int)libc_result(-EBADF);
    }
    int r = mode != 0 ? -EOPNOTSUPP : fs_allocate(f, pos, len);
    file_unref(f);
    return (int)libc_result(r);
}
