/* SPDX-License-Identifier: BSD-2-Clause */
/* ext4: blocks at the device, within the partition, and putting neighbours together. */
#include <errno.h>
#include <string.h>

#include "ext.h"

int ext_dev_bytes(struct ext_fs *x, bool write, uint64_t off, size_t len, void *buf)
{
    if (off > x->bytes || len > x->bytes - off) {
        return -EIO;
    }
    return blkdev_rw(x->dev, write, buf, len, x->start + off);
}

/* Who writes a transaction needs no lock while the device works. Was it given up? */
static bool let_go(struct ext_fs *x)
{
    if (x->committing) {
        pthread_mutex_unlock(&x->lock);
        return true;
    }
    return false;
}

static void take_again(struct ext_fs *x, bool gone)
{
    if (gone) {
        libc_mutex_lock(&x->lock);
    }
}

int ext_dev_read_file(struct ext_node *file, uint64_t block, uint32_t n, void *buf)
{
    struct ext_fs *x = file->x;
    if (file->changing != 0 || block > UINT64_MAX / x->block_size) {
        return ext_dev_rw(x, false, block, n, buf);
    }
    file->reading++;
    pthread_mutex_unlock(&x->lock);
    int r = ext_dev_bytes(x, false, block * x->block_size, (size_t)n * x->block_size, buf);
    libc_mutex_lock(&x->lock);
    file->reading--;
    pthread_cond_broadcast(&x->done);
    return r;
}

int ext_dev_rw(struct ext_fs *x, bool write, uint64_t block, uint32_t n, void *buf)
{
    if (block > UINT64_MAX / x->block_size) {
        return -EIO;
    }
    bool gone = write && let_go(x);
    int r = ext_dev_bytes(x, write, block * x->block_size, (size_t)n * x->block_size, buf);
    take_again(x, gone);
    if (write) {
        x->unflushed = true;
        return r != 0 ? ext_fail(x, "writing", r) : 0;
    }
    return r;
}

int ext_dev_flush(struct ext_fs *x)
{
    bool gone = let_go(x);
    int r = blkdev_flush(x->dev);
    take_again(x, gone);
    if (r != 0) {
        return ext_fail(x, "flushing", r);
    }
    x->unflushed = false;
    return 0;
}

int ext_gather_end(struct ext_gather *g)
{
    uint32_t n = g->n;
    g->n = 0;
    return n != 0 ? ext_dev_rw(g->x, true, g->first, n, g->x->bounce) : 0;
}

int ext_gather_add(struct ext_gather *g, uint64_t no, const uint8_t *data)
{
    struct ext_fs *x = g->x;
    if (g->n != 0 && (no != g->first + g->n || (g->n + 1) * x->block_size > EXT_BOUNCE)) {
        int r = ext_gather_end(g);
        if (r != 0) {
            return r;
        }
    }
    if (g->n == 0) {
        g->first = no;
    }
    memcpy(x->bounce + (size_t)g->n * x->block_size, data, x->block_size);
    g->n++;
    return 0;
}
