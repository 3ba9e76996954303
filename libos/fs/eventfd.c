/* SPDX-License-Identifier: BSD-2-Clause */
/* Event counters: eventfd(2) of Linux. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include <pith/anonfile.h>
#include <pith/heap.h>
#include <pith/iowait.h>
#include <pith/pollq.h>
#include <pith/spinlock.h>

#define COUNT_MAX (UINT64_MAX - 1)

struct eventfd {
    struct file file;
    struct spinlock lock;
    bool semaphore;
    uint64_t count; /* changed under lock */
    struct pollq q;
};

static struct eventfd *of(struct file *f)
{
    return f->data;
}

static bool nonblocking(const struct file *f)
{
    return (__atomic_load_n(&f->flags, __ATOMIC_RELAXED) & O_NONBLOCK) != 0;
}

/* Take the count, or one of it; 0 when there is none. */
static uint64_t take(struct eventfd *e)
{
    bool was = spin_lock(&e->lock);
    uint64_t n = e->semaphore && e->count != 0 ? 1 : e->count;
    __atomic_store_n(&e->count, e->count - n, __ATOMIC_RELAXED);
    spin_unlock(&e->lock, was);
    return n;
}

static bool add(struct eventfd *e, uint64_t n)
{
    bool was = spin_lock(&e->lock);
    bool fits = n <= COUNT_MAX - e->count;
    if (fits) {
        __atomic_store_n(&e->count, e->count + n, __ATOMIC_RELAXED);
    }
    spin_unlock(&e->lock, was);
    return fits;
}

struct adding {
    struct eventfd *e;
    uint64_t n;
};

static int try_add(void *arg)
{
    struct adding *a = arg;
    return add(a->e, a->n);
}

static ssize_t eventfd_file_read(struct file *f, void *buf, size_t len)
{
    struct eventfd *e = of(f);
    uint64_t n;
    if (len < sizeof(n)) {
        return -EINVAL;
    }
    while ((n = take(e)) == 0) {
        int r = nonblocking(f) ? -EAGAIN : file_sleep_locked(f, &e->q, POLLIN, UINT64_MAX);
        if (r < 0) {
            return r;
        }
    }
    memcpy(buf, &n, sizeof(n));
    pollq_notify(&e->q, POLLOUT);
    return sizeof(n);
}

static ssize_t eventfd_file_write(struct file *f, const void *buf, size_t len)
{
    struct eventfd *e = of(f);
    uint64_t n;
    if (len < sizeof(n)) {
        return -EINVAL;
    }
    memcpy(&n, buf, sizeof(n));
    if (n == UINT64_MAX) {
        return -EINVAL;
    }
    /* POLLOUT says that 1 can be added, which may be too little: so each try comes with a wait. */
    if (!add(e, n)) {
        struct adding a = { e, n };
        int r = nonblocking(f) ? -EAGAIN : file_wait_until(f, POLLOUT, UINT64_MAX, try_add, &a);
        if (r < 0) {
            return r;
        }
    }
    pollq_notify(&e->q, POLLIN);
    return sizeof(n);
}

/* Linux fs/eventfd.c, eventfd_poll(). */
static int eventfd_ready(struct file *f, int events)
{
    uint64_t count = __atomic_load_n(&of(f)->count, __ATOMIC_RELAXED);
    int now = count != 0 ? POLLIN : 0;
    now |= count < COUNT_MAX ? POLLOUT : 0;
    return now & events;
}

static struct pollq *eventfd_pollq(struct file *f)
{
    return &of(f)->q;
}

static void eventfd_close(struct file *f)
{
    pollq_close(&of(f)->q);
    heap_free(of(f));
}

static const struct file_ops eventfd_ops = {
    .read = eventfd_file_read,
    .write = eventfd_file_write,
    .fstat = anonfile_fstat,
    .ready = eventfd_ready,
    .pollq = eventfd_pollq,
    .close = eventfd_close,
};

int eventfd_new(struct file **out, uint64_t count, bool semaphore, int flags)
{
    struct eventfd *e = heap_alloc(sizeof(*e));
    if (e == NULL) {
        return -ENOMEM;
    }
    *e = (struct eventfd){ .semaphore = semaphore, .count = count };
    file_init(&e->file, &eventfd_ops, O_RDWR | flags, e);
    pollq_init(&e->q);
    *out = &e->file;
    return 0;
}
