/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Console devices as files: /dev/hvc0 and so on. Bytes as they are, no line editing, no echo.
 *
 * A write() waits until the device has taken all of it, also when the host does not read for long,
 * as on a terminal; with O_NONBLOCK it takes what there is room for.
 */
#include "confile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include <pith/condev.h>
#include <pith/heap.h>
#include <pith/iowait.h>

#define HVC_MAJOR 229u /* Linux Documentation/admin-guide/devices.txt: /dev/hvc0 */

static struct condev *dev_of(const struct file *f)
{
    return f->data;
}

static bool must_not_wait(const struct file *f)
{
    return (__atomic_load_n(&f->flags, __ATOMIC_RELAXED) & O_NONBLOCK) != 0;
}

static ssize_t con_read(struct file *f, void *buf, size_t len)
{
    struct condev *dev = dev_of(f);
    ssize_t n = 0;
    while (len != 0 && (n = dev->ops->read(dev, buf, len)) == 0) {
        if (must_not_wait(f)) {
            return -EAGAIN;
        }
        int r = file_sleep(f, POLLIN, UINT64_MAX);
        if (r < 0) {
            return r;
        }
    }
    return n;
}

static ssize_t con_write(struct file *f, const void *buf, size_t len)
{
    struct condev *dev = dev_of(f);
    size_t done = 0;
    while (done < len) {
        ssize_t n = dev->ops->write(dev, (const char *)buf + done, len - done);
        if (n == 0 && must_not_wait(f)) {
            n = -EAGAIN;
        } else if (n == 0) {
            n = file_sleep(f, POLLOUT, UINT64_MAX) < 0 ? -EINTR : 0;
        }
        if (n < 0) {
            return done != 0 ? (ssize_t)done : n;
        }
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static int con_ready(struct file *f, int events)
{
    struct condev *dev = dev_of(f);
    int now = dev->ops->ready(dev);
    int r = now & CONDEV_IN ? POLLIN | POLLRDNORM : 0;
    r |= now & CONDEV_OUT ? POLLOUT | POLLWRNORM : 0;
    return (events & r) | (dev->failed ? POLLERR : 0);
}

static struct pollq *con_pollq(struct file *f)
{
    return &dev_of(f)->pollq;
}

static int con_fstat(struct file *f, struct stat *st)
{
    unsigned minor = 0;
    for (struct condev *d = condev_at(0); d != NULL && d != dev_of(f); d = d->next) {
        minor++;
    }
    st->st_mode = S_IFCHR | 0620;
    st->st_rdev = HVC_MAJOR << 8 | minor;
    st->st_nlink = 1;
    st->st_blksize = 4096;
    return 0;
}

static void con_close(struct file *f)
{
    heap_free(f);
}

static const struct file_ops con_ops = {
    .read = con_read,
    .write = con_write,
    .fstat = con_fstat,
    .ready = con_ready,
    .pollq = con_pollq,
    .close = con_close,
};

int confile_open(const char *name, int flags, struct file **out)
{
    if (strncmp(name, "hvc", 3) != 0) {
        return -ENOENT; /* and nobody has to look for such devices */
    }
    struct condev *dev = condev_find(name);
    if (dev == NULL) {
        return -ENOENT;
    }
    if (dev->is_machine) {
        *out = file_ref(&console_file);
        return 0;
    }
    struct file *f = heap_alloc(sizeof(*f));
    if (f == NULL) {
        return -ENOMEM;
    }
    file_init(f, &con_ops, flags, dev);
    *out = f;
    return 0;
}
