/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes. What fits is counted as Linux counts it (fs/pipe.c), in pages that are taken until they
 * have been read to their end: programs that fill a pipe see the same numbers, and readiness for
 * writing means room for PIPE_BUF bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <pith/anonfile.h>
#include <pith/heap.h>
#include <pith/iowait.h>
#include <pith/libc.h>
#include <pith/platform.h>
#include <pith/pollq.h>

#include "fifo.h"
#include "iovec.h"

#define CAPACITY (64u * 1024)

/* For what read() and write() of one buffer share with those of lists: half of it goes then. */
#define INLINE static inline __attribute__((always_inline))

enum { READ_END, WRITE_END };

struct pipe {
    struct file ends[2];
    struct pollq q[2];
    pthread_mutex_t lock; /* held by who changes what follows; ready() reads without */
    struct fifo data;
    size_t capacity;      /* a multiple of PAGE_SIZE */
    size_t written, read; /* bytes since it was last empty */
    bool closed[2];
    unsigned refs;        /* ends that are open; atomic */
};

static struct pipe *of(struct file *f)
{
    return f->data;
}

static bool nonblocking(const struct file *f)
{
    return (__atomic_load_n(&f->flags, __ATOMIC_RELAXED) & O_NONBLOCK) != 0;
}

static inline size_t page_down(size_t n)
{
    return n & ~(PAGE_SIZE - 1);
}

/* Bytes that can be written. Context: lock held. */
static size_t room(const struct pipe *p)
{
    size_t taken = p->written - page_down(p->read);
    return taken < p->capacity ? p->capacity - taken : 0;
}

/* Whether a page is free. Context: any: the caller's look may be out of date at once anyway. */
static bool page_free_for_write(const struct pipe *p)
{
    size_t read = __atomic_load_n(&p->read, __ATOMIC_RELAXED);
    size_t written = __atomic_load_n(&p->written, __ATOMIC_RELAXED);
    return page_down(written + PAGE_SIZE - 1) - page_down(read) <
           __atomic_load_n(&p->capacity, __ATOMIC_RELAXED);
}

/* Context: lock held. */
static void count(struct pipe *p, size_t written, size_t read)
{
    bool empty = written == read;
    __atomic_store_n(&p->read, empty ? 0 : read, __ATOMIC_RELAXED);
    __atomic_store_n(&p->written, empty ? 0 : written, __ATOMIC_RELAXED);
}

/* ---- reading ---- */

/* What an empty pipe answers. Context: any; bytes that were there at the call are not overlooked. */
static ssize_t nothing(const struct pipe *p)
{
    return __atomic_load_n(&p->closed[WRITE_END], __ATOMIC_ACQUIRE) ? 0 : -EAGAIN;
}

/* Read what there is into a buffer and then into those of a list, which may be empty. */
INLINE ssize_t try_read(struct pipe *p, void *buf, size_t len, const struct iovec *more, int nmore)
{
    /* A look without the lock, in this order: what was written before the end was closed is seen. */
    ssize_t r = nothing(p);
    if (__atomic_load_n(&p->written, __ATOMIC_RELAXED) == 0) {
        return r;
    }
    libc_mutex_lock(&p->lock);
    bool was_full = !page_free_for_write(p);
    size_t done = fifo_get(&p->data, buf, len);
    for (int i = 0; i < nmore && p->data.bytes != 0; i++) {
        done += fifo_get(&p->data, more[i].iov_base, more[i].iov_len);
    }
    count(p, p->written, p->read + done);
    r = done != 0 ? (ssize_t)done : nothing(p); /* another reader may have been quicker */
    bool tell = was_full && page_free_for_write(p);
    pthread_mutex_unlock(&p->lock);
    if (tell) {
        pollq_notify(&p->q[WRITE_END], POLLOUT);
    }
    return r;
}

INLINE ssize_t read_into(struct file *f, void *buf, size_t len, const struct iovec *more, int nmore)
{
    ssize_t r;
    while ((r = try_read(of(f), buf, len, more, nmore)) == -EAGAIN && !nonblocking(f)) {
        int waited = file_sleep_locked(f, &of(f)->q[READ_END], POLLIN, UINT64_MAX);
        if (waited < 0) {
            return waited;
        }
    }
    return r;
}

static ssize_t pipe_readv(struct file *f, const struct iovec *v, int n)
{
    return iov_total(v, n) != 0 ? read_into(f, NULL, 0, v, n) : 0;
}

static ssize_t pipe_read(struct file *f, void *buf, size_t len)
{
    return len != 0 ? read_into(f, buf, len, NULL, 0) : 0;
}

/* ---- writing ---- */

/*
 * Write what fits of a buffer; with `whole`, and then of those of a list, which may be empty, all
 * `total` bytes or nothing.
 */
INLINE ssize_t try_write(struct pipe *p, const void *buf, size_t len, const struct iovec *more,
                         int nmore, size_t total, bool whole)
{
    ssize_t r = -EAGAIN;
    libc_mutex_lock(&p->lock);
    size_t fits = room(p);
    if (p->closed[READ_END]) {
        r = -EPIPE;
    } else if (total <= fits || (fits != 0 && !whole)) {
        size_t want = len < fits ? len : fits, n = fifo_put(&p->data, buf, want);
        for (int i = 0; i < nmore && n == want; i++) {
            want += more[i].iov_len;
            n += fifo_put(&p->data, more[i].iov_base, more[i].iov_len);
        }
        count(p, p->written + n, p->read);
        r = n != 0 ? (ssize_t)n : -ENOMEM;
    }
    pthread_mutex_unlock(&p->lock);
    if (r > 0) {
        pollq_notify(&p->q[READ_END], POLLIN);
    }
    return r;
}

/* try_write() until something has been written. */
INLINE ssize_t write_some(struct file *f, const void *buf, size_t len, const struct iovec *more,
                          int nmore, size_t total, bool whole)
{
    ssize_t r;
    while ((r = try_write(of(f), buf, len, more, nmore, total, whole)) == -EAGAIN &&
           !nonblocking(f)) {
        int waited = file_sleep_locked(f, &of(f)->q[WRITE_END], POLLOUT, UINT64_MAX);
        if (waited < 0) {
            return waited;
        }
    }
    if (__builtin_expect(r == -EPIPE, 0)) {
        libc_broken_pipe();
    }
    return r;
}

/* All of a buffer, with others' bytes in between where they like. */
static ssize_t write_long(struct file *f, const char *buf, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t r = write_some(f, buf + done, len - done, NULL, 0, len - done, false);
        if (r < 0) {
            return done != 0 ? (ssize_t)done : r;
        }
        done += (size_t)r;
    }
    return (ssize_t)done;
}

static ssize_t pipe_write(struct file *f, const void *buf, size_t len)
{
    if (len - 1 < PIPE_BUF) {
        return write_some(f, buf, len, NULL, 0, len, true);
    }
    return write_long(f, buf, len);
}

static ssize_t pipe_writev(struct file *f, const struct iovec *v, int n)
{
    size_t total = iov_total(v, n), done = 0;
    if (total <= PIPE_BUF) {
        return total != 0 ? write_some(f, NULL, 0, v, n, total, true) : 0;
    }
    for (int i = 0; i < n; i++) {
        ssize_t r = write_long(f, v[i].iov_base, v[i].iov_len);
        if (r < 0) {
            return done != 0 ? (ssize_t)done : r;
        }
        done += (size_t)r;
        if ((size_t)r < v[i].iov_len) {
            break; /* interrupted, or it would have to wait: what went out counts */
        }
    }
    return (ssize_t)done;
}

/* ---- the rest ---- */

/* Linux fs/pipe.c, pipe_poll(). */
static int read_ready(struct file *f, int events)
{
    struct pipe *p = of(f);
    int now = __atomic_load_n(&p->written, __ATOMIC_RELAXED) != 0 ? POLLIN | POLLRDNORM : 0;
    now |= __atomic_load_n(&p->closed[WRITE_END], __ATOMIC_RELAXED) ? POLLHUP : 0;
    return now & (events | POLLHUP);
}

static int write_ready(struct file *f, int events)
{
    struct pipe *p = of(f);
    int now = page_free_for_write(p) ? POLLOUT | POLLWRNORM : 0;
    now |= __atomic_load_n(&p->closed[READ_END], __ATOMIC_RELAXED) ? POLLERR : 0;
    return now & (events | POLLERR);
}

static struct pollq *pipe_pollq(struct file *f)
{
    return &of(f)->q[f - of(f)->ends];
}

static int pipe_fstat(struct file *f, struct stat *st)
{
    (void)f;
    st->st_mode = S_IFIFO | S_IRUSR | S_IWUSR;
    st->st_nlink = 1;
    st->st_blksize = PAGE_SIZE;
    return 0;
}

/* As Linux: a power of two of pages, and never less than what is in it. */
static int set_capacity(struct pipe *p, unsigned long want)
{
    size_t size = PAGE_SIZE;
    if (want > PIPE_SIZE_MAX) {
        return want > INT_MAX ? -EINVAL : -EPERM;
    }
    while (size < want) {
        size *= 2;
    }
    libc_mutex_lock(&p->lock);
    bool fits = page_down(p->written + PAGE_SIZE - 1) - page_down(p->read) <= size;
    bool was_full = !page_free_for_write(p);
    if (fits) {
        __atomic_store_n(&p->capacity, size, __ATOMIC_RELAXED);
    }
    bool tell = was_full && page_free_for_write(p);
    pthread_mutex_unlock(&p->lock);
    if (tell) {
        pollq_notify(&p->q[WRITE_END], POLLOUT);
    }
    return fits ? (int)size : -EBUSY;
}

static int pipe_ioctl(struct file *f, unsigned long request, void *arg)
{
    struct pipe *p = of(f);
    switch (request) {
    case FIONREAD:
        libc_mutex_lock(&p->lock);
        *(int *)arg = (int)p->data.bytes;
        pthread_mutex_unlock(&p->lock);
        return 0;
    case FILE_IOCTL_GET_PIPE_SIZE:
        return (int)__atomic_load_n(&p->capacity, __ATOMIC_RELAXED);
    case FILE_IOCTL_SET_PIPE_SIZE:
        return set_capacity(p, (unsigned long)arg);
    default:
        return -ENOTTY;
    }
}

static void pipe_close(struct file *f)
{
    struct pipe *p = of(f);
    long end = f - p->ends;
    libc_mutex_lock(&p->lock);
    __atomic_store_n(&p->closed[end], true, __ATOMIC_RELAXED);
    if (end == READ_END) {
        fifo_clear(&p->data); /* nobody will read it */
        count(p, 0, 0);
    }
    pthread_mutex_unlock(&p->lock);
    pollq_close(&p->q[end]);
    pollq_notify(&p->q[!end], end == READ_END ? POLLERR | POLLOUT : POLLHUP | POLLIN);
    if (__atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        fifo_clear(&p->data);
        heap_free(p);
    }
}

static const struct file_ops read_ops = {
    .read = pipe_read,
    .readv = pipe_readv,
    .fstat = pipe_fstat,
    .ioctl = pipe_ioctl,
    .ready = read_ready,
    .pollq = pipe_pollq,
    .close = pipe_close,
};

static const struct file_ops write_ops = {
    .write = pipe_write,
    .writev = pipe_writev,
    .fstat = pipe_fstat,
    .ioctl = pipe_ioctl,
    .ready = write_ready,
    .pollq = pipe_pollq,
    .close = pipe_close,
};

int pipe_new(struct file *ends[2], int flags)
{
    struct pipe *p = heap_alloc(sizeof(*p));
    if (p == NULL) {
        return -ENOMEM;
    }
    *p = (struct pipe){ .capacity = CAPACITY, .refs = 2, .lock = PTHREAD_MUTEX_INITIALIZER };
    file_init(&p->ends[READ_END], &read_ops, O_RDONLY | flags, p);
    file_init(&p->ends[WRITE_END], &write_ops, O_WRONLY | flags, p);
    for (int i = 0; i < 2; i++) {
        pollq_init(&p->q[i]);
        ends[i] = &p->ends[i];
    }
    return 0;
}
