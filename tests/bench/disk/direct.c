/* SPDX-License-Identifier: BSD-2-Clause */
/* The disk by Pith's block device calls (pith/blkdev.h), and what its driver counts. */
#include <stdlib.h>

#include <pith/blkdev.h>
#include <pith/iowait.h>
#include <pith/irq.h>

#include "grid.h"

#define DEPTH 32u

static struct blk_request requests[DEPTH];
static struct blk_segment segments[DEPTH];
static volatile bool busy[DEPTH];
static struct io_waiter waiter;

static PITH_INTERRUPT void ended(struct blk_request *req)
{
    busy[req - requests] = false;
    io_wake(&waiter);
}

bool disk_counts(const char *name, struct disk_counts *counts)
{
    const struct blkdev *dev = blkdev_find(name);
    if (dev == NULL) {
        return false;
    }
    *counts = (struct disk_counts){ dev->stats.requests, dev->stats.notifies, dev->stats.interrupts };
    return true;
}

/* Put a request into each free place if there are to be more; returns how many were free. */
static unsigned submit(struct blkdev *dev, unsigned depth, bool more, uint64_t *i,
                       uint64_t (*place)(uint64_t i))
{
    struct blk_request *list[DEPTH];
    unsigned n = 0, idle = 0;
    for (unsigned k = 0; k < depth; k++) {
        if (busy[k]) {
            continue;
        }
        idle++;
        if (requests[k].status != 0) {
            fail("direct");
        }
        if (more) {
            requests[k].sector = place((*i)++) / BLKDEV_SECTOR;
            busy[k] = true;
            list[n++] = &requests[k];
        }
    }
    for (unsigned at = 0; at < n;) {
        int taken = dev->ops->submit(dev, list + at, n - at);
        if (taken < 0) {
            fail("submit");
        }
        at += (unsigned)taken;
        if (taken == 0) {
            dev->ops->poll(dev);
        }
    }
    return idle;
}

uint64_t disk_direct(const char *name, bool write, size_t unit, unsigned depth, uint64_t ns,
                     uint64_t (*place)(uint64_t i))
{
    struct blkdev *dev = blkdev_find(name);
    uint64_t i = 0, end = now_ns() + ns;
    uint8_t *memory;
    if (dev == NULL || unit > dev->max_bytes ||
        posix_memalign((void **)&memory, 4096, depth * unit) != 0) {
        return 0;
    }
    io_waiter_init(&waiter);
    for (unsigned k = 0; k < depth; k++) {
        segments[k] = (struct blk_segment){ memory + k * unit, unit };
        requests[k] = (struct blk_request){
            .op = write ? BLK_WRITE : BLK_READ, .segment = &segments[k], .nsegments = 1, .done = ended
        };
    }
    for (;;) {
        bool more = now_ns() < end;
        if (submit(dev, depth, more, &i, place) == depth && !more) {
            break;
        }
        io_wait(&waiter, UINT64_MAX);
    }
    free(memory);
    return i;
}
