/* SPDX-License-Identifier: BSD-2-Clause */
/* Open files: references, and the rules that all kinds share (access mode, position, ranges). */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

#include <pith/file.h>
#include <pith/libc.h>
#include <pith/panic.h>

#define LENGTH_MAX 0x7ffff000ul /* of one call, as on Linux; a longer one is cut */

void file_init(struct file *f, const struct file_ops *ops, int flags, void *data)
{
    *f = (struct file){ .ops = ops, .refs = 1, .flags = flags, .data = data };
}

struct file *file_ref(struct file *f)
{
    unsigned before = __atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);
    ASSERT(before != 0);
    return f;
}

bool file_ref_live(struct file *f)
{
    unsigned refs = __atomic_load_n(&f->refs, __ATOMIC_RELAXED);
    while (refs != 0) {
        if (__atomic_compare_exchange_n(&f->refs, &refs, refs + 1, true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
            return true;
        }
    }
    return false;
}

void file_unref(struct file *f)
{
    if (__atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL) != 0) {
        return;
    }
    if (f->on_close != NULL) {
        f->on_close(f);
    }
    if (f->ops->close != NULL) {
        f->ops->close(f);
    }
}

static inline int flags_of(const struct file *f)
{
    return __atomic_load_n(&f->flags, __ATOMIC_RELAXED);
}

static inline bool may_read(const struct file *f)
{
    return (flags_of(f) & O_ACCMODE) != O_WRONLY;
}

static inline bool may_write(const struct file *f)
{
    return (flags_of(f) & O_ACCMODE) != O_RDONLY;
}

static inline size_t bounded(size_t len)
{
    return len < LENGTH_MAX ? len : LENGTH_MAX;
}

ssize_t file_pread(struct file *f, void *buf, size_t len, off_t pos)
{
    if (!may_read(f)) {
        return -EBADF;
    }
    if (f->ops->pread == NULL) {
        return -ESPIPE;
    }
    return pos < 0 ? -EINVAL : f->ops->pread(f, buf, bounded(len), pos);
}

ssize_t file_pwrite(struct file *f, const void *buf, size_t len, off_t pos)
{
    if (!may_write(f)) {
        return -EBADF;
    }
    if (f->ops->pwrite == NULL) {
        return -ESPIPE;
    }
    return pos < 0 ? -EINVAL : f->ops->pwrite(f, buf, bounded(len), pos);
}

/*
 * read() and write() of a seekable file. By themselves, and called last, so that other files' way to
 * their own functions needs no stack frame.
 */
static __attribute__((noinline)) ssize_t read_on(struct file *f, void *buf, size_t len)
{
    if (f->ops->pread == NULL) {
        return -EINVAL;
    }
    libc_mutex_lock(&f->pos_lock);
    ssize_t n = f->ops->pread(f, buf, bounded(len), f->pos);
    if (n > 0) {
        f->pos += n;
    }
    pthread_mutex_unlock(&f->pos_lock);
    return n;
}

ssize_t file_read(struct file *f, void *buf, size_t len)
{
    if (!may_read(f)) {
        return -EBADF;
    }
    return f->ops->read != NULL ? f->ops->read(f, buf, bounded(len)) : read_on(f, buf, len);
}

static __attribute__((noinline)) ssize_t write_on(struct file *f, const void *buf, size_t len)
{
    if (f->ops->pwrite == NULL) {
        return -EINVAL;
    }
    libc_mutex_lock(&f->pos_lock);
    bool append = flags_of(f) & O_APPEND;
    off_t pos = f->pos;
    ssize_t n;
    if (append && f->ops->append != NULL) {
        n = f->ops->append(f, buf, bounded(len), &pos);
        pos -= n > 0 ? n : 0;
    } else {
        if (append && f->ops->size != NULL) {
            pos = f->ops->size(f);
        }
        n = pos < 0 ? (ssize_t)pos : f->ops->pwrite(f, buf, bounded(len), pos);
    }
    if (n > 0) {
        f->pos = pos + n;
    }
    pthread_mutex_unlock(&f->pos_lock);
    return n;
}

ssize_t file_write(struct file *f, const void *buf, size_t len)
{
    if (!may_write(f)) {
        return -EBADF;
    }
    return f->ops->write != NULL ? f->ops->write(f, buf, bounded(len)) : write_on(f, buf, len);
}

off_t file_seek(struct file *f, off_t offset, int whence)
{
    if (f->ops->pread == NULL && f->ops->pwrite == NULL) {
        return -ESPIPE;
    }
    off_t base = 0;
    libc_mutex_lock(&f->pos_lock);
    switch (whence) {
    case SEEK_SET:
        break;
    case SEEK_CUR:
        base = f->pos;
        break;
    case SEEK_END:
        base = f->ops->size != NULL ? f->ops->size(f) : 0;
        break;
    default:
        base = -EINVAL;
    }
    off_t to;
    if (base < 0) {
        to = base;
    } else if (__builtin_add_overflow(base, offset, &to)) {
        to = -EOVERFLOW;
    } else if (to < 0) {
        to = -EINVAL;
    } else {
        f->pos = to;
    }
    pthread_mutex_unlock(&f->pos_lock);
    return to;
}
