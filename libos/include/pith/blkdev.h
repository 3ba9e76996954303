/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block devices: what a driver offers, and the direct calls for programs that want no file layer.
 *
 * Requests are asynchronous and many may be in flight; buffers belong to the driver from submit to
 * done().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLKDEV_SECTOR 512u /* unit of all sector numbers, whatever the device's block size */

enum blk_op { BLK_READ, BLK_WRITE, BLK_FLUSH };

struct blk_segment {
    void *base; /* any address of ours; may cross pages */
    size_t len; /* bytes, a multiple of the device's block size in total */
};

struct blk_request {
    enum blk_op op;
    uint64_t sector;
    struct blk_segment *segment;
    unsigned nsegments;
    int status;                              /* valid in done(): 0 or -EIO, -ENOSPC, ... */
    void (*done)(struct blk_request *req);   /* interrupt or submitter's context, masked: wake only */
    void *arg;                               /* the submitter's */
    void *driver;                            /* the driver's, while in flight */
};

struct blkdev;

struct blkdev_ops {
    /*
     * Queue up to n requests and notify the device once; returns how many were taken (fewer when
     * the ring is full), or -EIO when the device has failed. Context: thread or done().
     */
    int (*submit)(struct blkdev *dev, struct blk_request **req, unsigned n);

    /* Complete what the device has finished, without waiting; returns how many. Context: thread. */
    int (*poll)(struct blkdev *dev);
};

struct blkdev {
    const struct blkdev_ops *ops;
    char name[8];            /* "vda", given by blkdev_attach() */
    char serial[24];         /* "" when the device has none */
    uint64_t nsectors;
    uint32_t block_size;     /* bytes: 512 or 4096 */
    uint32_t max_segments;   /* pieces that one request may have, page crossings not counted */
    uint32_t max_bytes;      /* of one request */
    bool readonly;
    bool has_flush;          /* else a completed write is durable */
    bool failed;             /* the driver gave it up; every request answers -EIO */
    struct blkdev *next;
};

/* Upcall of drivers: name it and add it to the list. */
void blkdev_attach(struct blkdev *dev);

/* The device of that name ("vda"), probing the buses at the first call; NULL when there is none. */
struct blkdev *blkdev_find(const char *name);

/* The i-th device, or NULL. */
struct blkdev *blkdev_at(unsigned i);

/*
 * Read or write `len` bytes at byte offset `off` (both multiples of block_size) and wait; large
 * transfers are split and run in parallel. Errors: -EINVAL unaligned or outside, -EROFS, -EIO,
 * -ENOMEM.
 */
int blkdev_rw(struct blkdev *dev, bool write, void *buf, size_t len, uint64_t off);

/* Wait until all completed writes are durable. Errors: -EIO. */
int blkdev_flush(struct blkdev *dev);
