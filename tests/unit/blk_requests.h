/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests for tests of block drivers, which see that each ends once. Included once, where `seed` is
 * there.
 */
#pragma once

#include <pith/blkdev.h>

#include "unit.h"

#define MAX_REQUESTS 64

static struct {
    struct blk_request req;
    struct blk_segment seg[20];
    unsigned calls;
} requests[MAX_REQUESTS];

static void done(struct blk_request *req)
{
    unsigned *calls = req->arg;
    EXPECT(irq_is_masked());
    (*calls)++;
}

/* The i-th; the segments have random lengths, multiples of `unit`. */
static struct blk_request *prepare(unsigned i, enum blk_op op, uint64_t sector, void *buf,
                                   size_t len, unsigned nsegments, unsigned unit)
{
    struct blk_request *r = &requests[i].req;
    *r = (struct blk_request){ .op = op, .sector = sector, .segment = requests[i].seg, .done = done,
                               .arg = &requests[i].calls, .nsegments = nsegments, .status = 12345 };
    requests[i].calls = 0;
    for (unsigned s = 0; s < nsegments; s++) {
        size_t part = s + 1 == nsegments ? len : len / nsegments;
        if (s + 1 < nsegments) {
            part = (size_t)(unit_random(&seed) % (part + 1)) / unit * unit;
        }
        requests[i].seg[s] = (struct blk_segment){ buf, part };
        buf = (char *)buf + part;
        len -= part;
    }
    return r;
}
