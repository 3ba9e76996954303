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

#define CAPACITY (64u * 1024)

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

static ssize_t try_read(struct pipe *p, struct iov_cursor *to)
{
    libc_mutex_lock(&p->lock);
    bool was_full = !page_free_for_write(p);
    size_t n = fifo_get(&p->data, to, SIZE_MAX);
    count(p, p->written, p->read + n);
    ssize_t r = n != 0 ? (ssize_t)n : p->closed[WRITE_END] ? 0 : -EAGAIN;
    bool tell = was_full && page_free_for_write(p);
    pthread_mutex_unlock(&p->lock);
    if (tell) {
        pollq_notify(&p->q[WRITE_END], POLLOUT);
    }
    return r;
}

static ssize_t pipe_readv(struct file *f, const struct iovec *v, int n)
{
    struct iov_cursor to = iov_begin(v, n);
    ssize_t r;
    if (iov_total(v, n) == 0) {
        return 0;
    }
    while ((r = try_read(of(f), &to)) == -EAGAIN && !nonblocking(f)) {
        int waited = file_wait(f, POLLIN, UINT64_MAX);
        if (waited < 0) {
            return waited;
        }
    }
    return r;
}

static ssize_t pipe_read(struct file *f, void *buf, size_t len)
{
    struct iovec v = { buf, len };
    return pipe_readv(f, &v, 1);
}

/* ---- writing ---- */

/*
 * Write what fits of the `left` bytes; nothing where all of them belong together and don't fit.
 */
static ssize_t try_write(struct pipe *p, struct iov_cursor *from, size_t left, bool atomic)
{
    ssize_t r = -EAGAIN;
    libc_mutex_lock(&p->lock);
    size_t fits = room(p);
    if (p->closed[READ_END]) {
        r = -EPIPE;
    } else if (fits != 0 && (!atomic || left <= fits)) {
        size_t n = fifo_put(&p->data, from, left < fits ? left : fits);
        count(p, p->written + n, p->read);
        r = n != 0 ? (ssize_t)n : -ENOMEM;
    }
    pthread_mutex_unlock(&p->lock);
    if (r > 0) {
        pollq_notify(&p->q[READ_END], POLLIN);
    }
    return r;
}

static ssize_t pipe_writev(struct file *f, const struct iovec *v, int n)
{
    struct iov_cursor from = iov_begin(v, n);
    size_t total = iov_total(v, n), done = 0;
    bool atomic = total <= PIPE_BUF;
    ssize_t r = 0;
    while (done < total) {
        r = try_write(of(f), &from, total - done, atomic);
        if (r > 0) {
            done += (size_t)r;
        } else if (r != -EAGAIN || nonblocking(f)) {
            break;
        } else if ((r = file_wait(f, POLLOUT, UINT64_MAX)) < 0) {
            break;
        }
    }
    if (r == -EPIPE) {
        libc_broken_pipe();
    }
    return done != 0 ? (ssize_t)done : r;
}

static ssize_t pipe_write(struct file *f, const void *buf, size_t len)
{
    struct iovec v = { (void *)(uintptr_t)buf, len };
    return pipe_writev(f, &v, 1);
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
