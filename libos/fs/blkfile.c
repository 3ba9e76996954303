/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block devices as files: /dev/vda and so on, at any byte offset.
 *
 * Whole blocks go straight between the caller's memory and the device. A part of a block is read,
 * changed and written back through a buffer of one block, under one lock, so that two writers of
 * different parts of a block both get their bytes on the disk.
 */
#include "blkfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <pith/blkdev.h>
#include <pith/heap.h>
#include <pith/libc.h>

#define BLOCK_MAJOR 254u /* "local/experimental" on Linux, where virtio disks are, too */

/*
 * Held while a part of a block is read, changed and written. All devices share it: such writes are
 * rare.
 */
static pthread_mutex_t partial_lock = PTHREAD_MUTEX_INITIALIZER;

static struct blkdev *dev_of(const struct file *f)
{
    return f->data;
}

static uint64_t size_of(const struct blkdev *dev)
{
    return dev->nsectors * BLKDEV_SECTOR;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/*
 * Read or write bytes [off, off + len) that lie in one block, through a buffer. Context: thread.
 */
static int part_of_block(struct blkdev *dev, bool write, char *buf, size_t len, uint64_t off)
{
    uint64_t start = off - off % dev->block_size;
    char *block = heap_alloc(dev->block_size);
    if (block == NULL) {
        return -ENOMEM;
    }
    if (write) {
        libc_mutex_lock(&partial_lock);
    }
    int r = blkdev_rw(dev, false, block, dev->block_size, start);
    if (r == 0 && !write) {
        memcpy(buf, block + (off - start), len);
    }
    if (r == 0 && write) {
        memcpy(block + (off - start), buf, len);
        r = blkdev_rw(dev, true, block, dev->block_size, start);
    }
    if (write) {
        pthread_mutex_unlock(&partial_lock);
    }
    heap_free(block);
    return r;
}

/*
 * Transfer len bytes at `off`, both inside the device: the rest of a first block, whole blocks, the
 * beginning of a last one. Returns len, or what was done before an error, or the error.
 */
static ssize_t transfer(struct blkdev *dev, bool write, char *buf, size_t len, uint64_t off)
{
    size_t done = 0;
    int r = 0;
    while (done < len && r == 0) {
        uint64_t at = off + done;
        size_t left = len - done;
        size_t inside = at % dev->block_size;
        size_t n;
        if (inside != 0 || left < dev->block_size) {
            n = min_u64(left, dev->block_size - inside);
            r = part_of_block(dev, write, buf + done, n, at);
        } else {
            n = left - left % dev->block_size;
            r = blkdev_rw(dev, write, buf + done, n, at);
        }
        if (r == 0) {
            done += n;
        }
    }
    return done != 0 ? (ssize_t)done : r;
}

static ssize_t blk_pread(struct file *f, void *buf, size_t len, off_t pos)
{
    struct blkdev *dev = dev_of(f);
    uint64_t size = size_of(dev);
    if ((uint64_t)pos >= size) {
        return 0;
    }
    return transfer(dev, false, buf, min_u64(len, size - (uint64_t)pos), (uint64_t)pos);
}

static ssize_t blk_pwrite(struct file *f, const void *buf, size_t len, off_t pos)
{
    struct blkdev *dev = dev_of(f);
    uint64_t size = size_of(dev);
    if ((uint64_t)pos >= size) {
        return len == 0 ? 0 : -ENOSPC;
    }
    /* The buffer is only read: the device layer has one type for both directions. */
    ssize_t n = transfer(dev, true, (char *)(uintptr_t)buf, min_u64(len, size - (uint64_t)pos),
                         (uint64_t)pos);
    if (n > 0 && (__atomic_load_n(&f->flags, __ATOMIC_RELAXED) & O_SYNC)) {
        int r = blkdev_flush(dev);
        return r != 0 ? r : n;
    }
    return n;
}

static off_t blk_size(struct file *f)
{
    return (off_t)size_of(dev_of(f));
}

static int blk_fsync(struct file *f)
{
    return blkdev_flush(dev_of(f));
}

static int blk_fstat(struct file *f, struct stat *st)
{
    struct blkdev *dev = dev_of(f);
    st->st_mode = S_IFBLK | (dev->readonly ? 0440 : 0660);
    st->st_rdev = BLOCK_MAJOR << 8 | dev->number;
    st->st_nlink = 1;
    st->st_size = (off_t)size_of(dev);
    st->st_blksize = 4096;
    st->st_blocks = (blkcnt_t)dev->nsectors;
    return 0;
}

static int blk_ioctl(struct file *f, unsigned long request, void *arg)
{
    struct blkdev *dev = dev_of(f);
    switch (request) {
    case BLKGETSIZE64:
        *(uint64_t *)arg = size_of(dev);
        return 0;
    case BLKGETSIZE:
        *(unsigned long *)arg = dev->nsectors;
        return 0;
    case BLKSSZGET:
        *(int *)arg = (int)dev->block_size;
        return 0;
    case BLKROGET:
        *(int *)arg = dev->readonly;
        return 0;
    case BLKFLSBUF:
        return blkdev_flush(dev);
    case BLKDISCARD: {
        const uint64_t *range = arg; /* offset and length, bytes */
        if ((__atomic_load_n(&f->flags, __ATOMIC_RELAXED) & O_ACCMODE) == O_RDONLY) {
            return -EBADF;
        }
        int r = blkdev_discard(dev, range[0], range[1]);
        return r == -ENOTSUP ? -EOPNOTSUPP : r;
    }
    default:
        return -ENOTTY;
    }
}

static void blk_close(struct file *f)
{
    blkdev_put(dev_of(f));
    heap_free(f);
}

static const struct file_ops blk_ops = {
    .pread = blk_pread,
    .pwrite = blk_pwrite,
    .size = blk_size,
    .fstat = blk_fstat,
    .fsync = blk_fsync,
    .ioctl = blk_ioctl,
    .close = blk_close,
};

int blkfile_open(const char *name, int flags, struct file **out)
{
    struct blkdev *dev = blkdev_get(name);
    if (dev == NULL) {
        return -ENOENT;
    }
    bool refused = dev->readonly && (flags & O_ACCMODE) != O_RDONLY;
    struct file *f = refused ? NULL : heap_alloc(sizeof(*f));
    if (f == NULL) {
        blkdev_put(dev);
        return refused ? -EROFS : -ENOMEM;
    }
    file_init(f, &blk_ops, flags, dev);
    *out = f;
    return 0;
}
