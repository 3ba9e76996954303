/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What drivers of block devices have in common: judging requests, and ending them when their own lock
 * is free again. Upcalls of drivers; context of all: any.
 */
#pragma once

#include <pith/blkdev.h>

/*
 * What is wrong with a request before the device sees it: 0, or the status that it ends with (-EINVAL,
 * -EROFS, -ENOTSUP). A request that passes is within the device's limits and its size. A flush passes
 * always.
 */
int blkdev_check(const struct blkdev *dev, const struct blk_request *req);

/* Bytes of the segments. */
size_t blkdev_request_len(const struct blk_request *req);

/* Put an ended request on a list of such, which go through req->driver. */
void blkdev_end(struct blk_request **list, struct blk_request *req, int status);

/* done() for each of them; returns how many. Context: masked, no lock of the driver's held. */
unsigned blkdev_done(struct blk_request *list);
