/* SPDX-License-Identifier: BSD-2-Clause */
/* What drivers of block devices have in common: judging requests and ending them. */
#include <pith/blkdev_driver.h>

#include <errno.h>

size_t blkdev_request_len(const struct blk_request *req)
{
    size_t len = 0;

    for (unsigned i = 0; i < req->nsegments; i++) {
        len += req->segment[i].len;
    }
    return len;
}

/* The sectors that a read or write is about; 0: that can't be. */
static uint64_t data_sectors(const struct blkdev *dev, const struct blk_request *req)
{
    if (req->nsegments > dev->max_segments) {
        return 0;
    }
    for (unsigned i = 0; i < req->nsegments; i++) {
        if (req->segment[i].len > dev->max_bytes) {
            return 0; /* before their sum can overflow */
        }
    }
    size_t len = blkdev_request_len(req);
    return len > dev->max_bytes || len % dev->block_size != 0 ? 0 : len / BLKDEV_SECTOR;
}

int blkdev_check(const struct blkdev *dev, const struct blk_request *req)
{
    uint64_t in_block = dev->block_size / BLKDEV_SECTOR - 1, sectors = 0;

    switch (req->op) {
    case BLK_FLUSH:
        return 0;
    case BLK_DISCARD:
        if (!dev->has_discard) {
            return -ENOTSUP;
        }
        sectors = dev->max_discard != 0 && req->nsectors > dev->max_discard ? 0 : req->nsectors;
        break;
    case BLK_READ:
    case BLK_WRITE:
        sectors = data_sectors(dev, req);
        break;
    }
    if (sectors == 0 || ((req->sector | sectors) & in_block) != 0 || req->sector > dev->nsectors ||
        sectors > dev->nsectors - req->sector) {
        return -EINVAL;
    }
    return req->op != BLK_READ && dev->readonly ? -EROFS : 0;
}

void blkdev_end(struct blk_request **list, struct blk_request *req, int status)
{
    req->status = status;
    req->driver = *list;
    *list = req;
}

unsigned blkdev_done(struct blk_request *list)
{
    unsigned n = 0;

    while (list != NULL) {
        struct blk_request *next = list->driver;
        list->driver = NULL;
        list->done(list);
        list = next;
        n++;
    }
    return n;
}
