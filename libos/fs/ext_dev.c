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

int ext_dev_rw(struct ext_fs *x, bool write, uint64_t block, uint32_t n, void *buf)
{
    if (block > UINT64_MAX / x->block_size) {
        return -EIO;
    }
    int r = ext_dev_bytes(x, write, block * x->block_size, (size_t)n * x->block_size, buf);
    if (write) {
        x->unflushed = true;
        return r != 0 ? ext_fail(x, "writing", r) : 0;
    }
    return r;
}

int ext_dev_flush(struct ext_fs *x)
{
    int r = blkdev_flush(x->dev);
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
