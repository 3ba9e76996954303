/* SPDX-License-Identifier: BSD-2-Clause */
/* The files below /dev: null, zero, full, random, urandom, console, tty, and the block devices. */
#include "devfs.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include <pith/heap.h>
#include <pith/random.h>

#include "blkfile.h"

static ssize_t null_read(struct file *f, void *buf, size_t len)
{
    (void)f;
    (void)buf;
    (void)len;
    return 0;
}

static ssize_t null_write(struct file *f, const void *buf, size_t len)
{
    (void)f;
    (void)buf;
    return (ssize_t)len;
}

static ssize_t zero_read(struct file *f, void *buf, size_t len)
{
    (void)f;
    memset(buf, 0, len);
    return (ssize_t)len;
}

static ssize_t full_write(struct file *f, const void *buf, size_t len)
{
    (void)f;
    (void)buf;
    (void)len;
    return -ENOSPC;
}

/* Both names read the same generator; the strong seed is sought first, where there is one. */
static ssize_t random_read(struct file *f, void *buf, size_t len)
{
    (void)f;
    random_gather();
    random_bytes(buf, len);
    return (ssize_t)len;
}

static ssize_t random_write(struct file *f, const void *buf, size_t len)
{
    (void)f;
    random_add(buf, len, false);
    return (ssize_t)len;
}

struct device {
    const char *name;
    unsigned minor; /* of major 1, Linux Documentation/admin-guide/devices.txt */
    struct file_ops ops;
};

static int mem_fstat(struct file *f, struct stat *st)
{
    const struct device *d = f->data;
    st->st_mode = S_IFCHR | 0666;
    st->st_rdev = 1 << 8 | d->minor;
    st->st_nlink = 1;
    st->st_blksize = 4096;
    return 0;
}

static void mem_close(struct file *f)
{
    heap_free(f);
}

static int always_ready(struct file *f, int events)
{
    (void)f;
    return events & (POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
}

#define OPS(r, w) { .read = (r), .write = (w), .fstat = mem_fstat, .close = mem_close, \
                    .ready = always_ready }
static const struct device devices[] = {
    { "null", 3, OPS(null_read, null_write) },
    { "zero", 5, OPS(zero_read, null_write) },
    { "full", 7, OPS(zero_read, full_write) },
    { "random", 8, OPS(random_read, random_write) },
    { "urandom", 9, OPS(random_read, random_write) },
};

int devfs_open(const char *name, int flags, struct file **out)
{
    if (strcmp(name, "console") == 0 || strcmp(name, "tty") == 0) {
        *out = file_ref(&console_file);
        return 0;
    }
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        if (strcmp(name, devices[i].name) == 0) {
            struct file *f = heap_alloc(sizeof(*f));
            if (f == NULL) {
                return -ENOMEM;
            }
            file_init(f, &devices[i].ops, flags, (void *)(uintptr_t)&devices[i]);
            *out = f;
            return 0;
        }
    }
    return blkfile_open(name, flags, out);
}
