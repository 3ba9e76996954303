/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From one open file to another. What lies in memory that stays as it is (file_ops.extent) is
 * written from there, to a socket without a copy; the rest goes through a buffer.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>

#include <pith/file.h>
#include <pith/fs.h>
#include <pith/heap.h>
#include <pith/libc.h>
#include <pith/socket.h>
#include <pith/zerocopy.h>

#define BUFFER     16384u
#define ZC_LEAST   2048u        /* below it copying costs less than the bookkeeping */
#define LENGTH_MAX 0x7ffff000ul /* of one call, as on Linux */

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The socket is done with memory that nobody frees: nothing to do but for the note of it. */
static void sent(struct zc_buffer *b, int error)
{
    (void)error;
    heap_free(b);
}

/* Write memory that stays for ever. */
static ssize_t write_static(struct file *out, const void *data, size_t len)
{
    if (out->ops->socket == NULL || out->ops->socket->zc_send == NULL || len < ZC_LEAST) {
        return file_write(out, data, len);
    }
    struct zc_buffer *b = heap_alloc(sizeof(*b));
    if (b == NULL) {
        return file_write(out, data, len);
    }
    *b = (struct zc_buffer){ .done = sent };
    ssize_t n = out->ops->socket->zc_send(out, b, data, len, 0, NULL, 0);
    if (n < 0) {
        heap_free(b);
    }
    return n == -EOPNOTSUPP ? file_write(out, data, len) : n;
}

/* One piece; *buf is made when it is needed. Returns what was written; 0: the end of `in`. */
static ssize_t piece(struct file *out, struct file *in, off_t pos, size_t len, char **buf)
{
    const void *data;
    size_t have;
    int r = in->ops->extent != NULL ? in->ops->extent(in, pos, &data, &have) : -ENOTSUP;
    if (r == 0) {
        return write_static(out, data, min_size(have, len));
    }
    if (*buf == NULL && (*buf = heap_alloc(BUFFER)) == NULL) {
        return -ENOMEM;
    }
    ssize_t n = file_pread(in, *buf, min_size(len, BUFFER), pos);
    return n <= 0 ? n : file_write(out, *buf, (size_t)n);
}

static ssize_t copy(struct file *out, struct file *in, off_t pos, size_t len)
{
    char *buf = NULL;
    size_t done = 0;
    ssize_t n = 0;
    while (done < len) {
        n = piece(out, in, pos + (off_t)done, len - done, &buf);
        if (n <= 0) {
            break;
        }
        done += (size_t)n;
    }
    heap_free(buf);
    return done != 0 ? (ssize_t)done : n;
}

ssize_t fs_sendfile(struct file *out, struct file *in, off_t *pos, size_t len)
{
    if ((in->flags & O_ACCMODE) == O_WRONLY || (out->flags & O_ACCMODE) == O_RDONLY) {
        return -EBADF;
    }
    if (in->ops->pread == NULL) {
        return pos != NULL ? -ESPIPE : -EINVAL;
    }
    if (in->ops->size == NULL || (out->flags & O_APPEND)) {
        return -EINVAL; /* a directory; and Linux appends with sendfile() to nothing, either */
    }
    len = min_size(len, LENGTH_MAX);
    if (pos != NULL) {
        if (*pos < 0) {
            return -EINVAL;
        }
        ssize_t n = copy(out, in, *pos, len);
        *pos += n > 0 ? n : 0;
        return n;
    }
    /* The lock isn't held while `out` blocks: two calls at once may send the same bytes. */
    libc_mutex_lock(&in->pos_lock);
    off_t from = in->pos;
    pthread_mutex_unlock(&in->pos_lock);
    ssize_t n = copy(out, in, from, len);
    if (n > 0) {
        libc_mutex_lock(&in->pos_lock);
        in->pos = from + n;
        pthread_mutex_unlock(&in->pos_lock);
    }
    return n;
}
