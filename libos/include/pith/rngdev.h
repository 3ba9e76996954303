/* SPDX-License-Identifier: BSD-2-Clause */
/* Entropy devices: sources of the host that feed random.h. */
#pragma once

#include <stddef.h>

struct rngdev {
    const char *name;
    /*
     * Fill up to len bytes, waiting at most a second; returns the count or -errno. Context: thread.
     */
    int (*read)(struct rngdev *dev, void *buf, size_t len);
    struct rngdev *next;
};

/* Upcall of drivers. */
void rngdev_attach(struct rngdev *dev);

/* The i-th device that was attached, the last one first, or NULL. Context: any. */
struct rngdev *rngdev_at(unsigned i);
