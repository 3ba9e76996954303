/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The devices below /dev: null, zero, full, random, urandom, console, tty, the standard streams,
 * and the block devices.
 */
#include "devfs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include <pith/blkdev.h>
#include <pith/condev.h>
#include <pith/heap.h>
#include <pith/random.h>

#include "blkfile.h"
#include "confile.h"

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

static int mem_fstat(struct file *f, struct stat *st);

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

#define NDEVICES (sizeof(devices) / sizeof(devices[0]))

static int mem_fstat(struct file *f, struct stat *st)
{
    const struct device *d = f->data;
    st->st_mode = S_IFCHR | 0666;
    st->st_dev = DEVFS_DEV;
    st->st_ino = DEVFS_FIRST_INO + (ino_t)(d - devices);
    st->st_rdev = 1 << 8 | d->minor;
    st->st_nlink = 1;
    st->st_blksize = 4096;
    return 0;
}

/* What has more than one name, or another name's file. */
static const char *const aliases[] = { "console", "tty", "stdin", "stdout", "stderr" };
#define FIRST_STREAM 2u
#define NALIASES     (sizeof(aliases) / sizeof(aliases[0]))

/* A standard stream, whatever it is at the moment, with the same position and flags. */
static int open_stream(int fd, int flags, struct file **out)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return -ENXIO;
    }
    int have = f->flags & O_ACCMODE;
    if (have != O_RDWR && have != (flags & O_ACCMODE)) {
        file_unref(f);
        return -EACCES;
    }
    *out = f;
    return 0;
}

int devfs_open(const char *name, int flags, struct file **out)
{
    for (unsigned i = 0; i < NALIASES; i++) {
        if (strcmp(name, aliases[i]) == 0) {
            if (i >= FIRST_STREAM) {
                return open_stream((int)(i - FIRST_STREAM), flags, out);
            }
            *out = file_ref(&console_file);
            return 0;
        }
    }
    for (size_t i = 0; i < NDEVICES; i++) {
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
    int r = confile_open(name, flags, out);
    return r == -ENOENT ? blkfile_open(name, flags, out) : r;
}

/* The consoles come behind the disks. */
static const struct condev *devfs_console(unsigned i)
{
    char name[BLKDEV_NAME_MAX];
    unsigned ndisks = 0;
    while (blkdev_name_at(ndisks, name)) {
        ndisks++;
    }
    return condev_at(i - ndisks);
}

bool devfs_name(unsigned i, char name[DEVFS_NAME_MAX], mode_t *type)
{
    const struct condev *con;
    *type = S_IFCHR;
    if (i < NDEVICES) {
        strcpy(name, devices[i].name);
    } else if (i - NDEVICES < NALIASES) {
        strcpy(name, aliases[i - NDEVICES]);
    } else if (blkdev_name_at(i - NDEVICES - NALIASES, name)) {
        *type = S_IFBLK;
    } else if ((con = devfs_console(i - NDEVICES - NALIASES)) != NULL) {
        strcpy(name, con->name);
    } else {
        return false;
    }
    return true;
}

bool devfs_real_name(char name[DEVFS_NAME_MAX])
{
    struct blkdev *dev = blkdev_get(name);
    if (dev == NULL) {
        return false;
    }
    strcpy(name, dev->name);
    blkdev_put(dev);
    return true;
}
