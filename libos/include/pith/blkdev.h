/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block devices: what a driver offers, and the direct calls for programs that want no file layer.
 *
 * Requests are asynchronous and many may be in flight; buffers belong to the driver from submit to
 * done(), which is a PITH_INTERRUPT function (pith/irq.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLKDEV_SECTOR 512u /* unit of all sector numbers, whatever the device's block size */

enum blk_op { BLK_READ, BLK_WRITE, BLK_FLUSH, BLK_DISCARD };

struct blk_segment {
    void *base; /* any address of ours; may cross pages */
    size_t len; /* bytes, a multiple of the device's block size in total */
};

struct blk_request {
    enum blk_op op;
    uint64_t sector;
    struct blk_segment *segment;
    unsigned nsegments;
    uint64_t nsectors;                       /* of BLK_DISCARD, which has no segments */
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

    /*
     * The last reference to a device that was detached has gone: the memory is the driver's again.
     * NULL where devices are never taken away. Context: thread.
     */
    void (*release)(struct blkdev *dev);
};

#define BLKDEV_NAME_MAX 12 /* with the NUL */

/* The driver's, to be looked at only. */
struct blkdev_stats {
    uint64_t requests;   /* handed to the device */
    uint64_t interrupts;
    uint64_t notifies;   /* of the device, by us */
};

struct blkdev {
    const struct blkdev_ops *ops;
    char name[BLKDEV_NAME_MAX];  /* "vda"; what the driver has put there if it is free */
    char alias[BLKDEV_NAME_MAX]; /* another name for opening, given by the driver; or "" */
    char serial[24];         /* "" when the device has none */
    uint64_t nsectors;
    uint32_t block_size;     /* bytes: 512 or 4096 */
    uint32_t max_segments;   /* pieces that one request may have, page crossings not counted */
    uint32_t max_bytes;      /* of one request */
    bool readonly;
    bool has_flush;          /* else a completed write is durable */
    bool has_discard;        /* BLK_DISCARD may be asked for */
    uint32_t discard_granularity; /* bytes; smaller or unaligned ranges may have no effect */
    uint64_t max_discard;         /* sectors of one BLK_DISCARD; 0: any number */
    bool failed;             /* the driver gave it up; every request answers -EIO */
    bool gone;               /* taken away: blkdev_detach() */
    struct blkdev_stats stats;
    unsigned number;         /* the lowest that was free; blkdev.c's, as are the two below */
    unsigned refs;
    struct blkdev *next;
};

/*
 * Upcalls of drivers. Attaching names the device (its own choice where that is free, else the lowest
 * free of vda, vdb, ...), adds it to the list and takes the driver's reference. Any time. Context:
 * thread.
 *
 * A device that is taken away is detached first: nobody finds it any more, its name is free, and
 * what is asked of it from now on answers -ENXIO. Then the driver ends every request that it still
 * has, by -EIO where the device does not answer, so that nobody waits for ever; and gives back its
 * reference by blkdev_put(). Open files keep theirs: ops->release() comes with the last one.
 */
void blkdev_attach(struct blkdev *dev);
void blkdev_detach(struct blkdev *dev);

/*
 * The device of that name or alias ("vda"), probing the buses at the first call, with a reference
 * that blkdev_put() gives back; NULL when there is none. Context: thread.
 */
struct blkdev *blkdev_get(const char *name);
void blkdev_put(struct blkdev *dev);

/* The same without a reference: for those who know that it stays. */
struct blkdev *blkdev_find(const char *name);

/* The i-th device of those that are there now, or NULL; for those who know that it stays. */
struct blkdev *blkdev_at(unsigned i);

/* Its name alone; false when there are not that many. Context: thread. */
bool blkdev_name_at(unsigned i, char name[BLKDEV_NAME_MAX]);

/*
 * Read or write `len` bytes at byte offset `off` (both multiples of block_size) and wait; large
 * transfers are split and run in parallel. Errors: -EINVAL unaligned or outside, -EROFS, -EIO,
 * -ENOMEM, -ENXIO the device is gone.
 */
int blkdev_rw(struct blkdev *dev, bool write, void *buf, size_t len, uint64_t off);

/* Wait until all completed writes are durable. Errors: -EIO, -ENXIO. */
int blkdev_flush(struct blkdev *dev);

/*
 * The range is not needed any more: the device may forget what is there (what is read then is
 * undefined). Errors: as of blkdev_rw(), -ENOTSUP.
 */
int blkdev_discard(struct blkdev *dev, uint64_t off, uint64_t len);
