/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the 9pfs front end (xen docs/misc/9pfs.pandoc; public/io/9pfs.h): 9pfront.c moves
 * messages, 9pfront_connect.c has the device's life.
 *
 * A device has one or more rings, each two streams of bytes: messages out, replies in. A request goes
 * through ring tag % rings, where QEMU sends the reply, and never starts unless the longest reply
 * that it may get has room beside those of all others; so the backend never waits for us.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pith/p9dev.h>
#include <pith/spinlock.h>
#include <xenplat/xenbus.h>

#include <string.h> /* for what follows */
#include <xen/io/9pfs.h>

#define P9FRONT_RINGS     2u
#define P9FRONT_ORDER     6u /* pages of both streams of a ring: 2^6, 128 KiB each */
#define P9FRONT_PAGES     (1u << P9FRONT_ORDER)
#define P9FRONT_PENDING   (P9DEV_TAGS + 1)

struct p9front_ring {
    struct p9front *device;
    struct xen_9pfs_data_intf *intf; /* a shared page */
    uint8_t *in, *out;               /* shared */
    uint32_t intf_ref;
    uint32_t refs[P9FRONT_PAGES];
    uint32_t port;                   /* 0: none */
    uint32_t size;                   /* bytes of one stream, a power of two */
    unsigned order;
    uint32_t in_cons, out_prod;      /* ours: what the shared page says of them is never read */
    uint32_t promised;               /* bytes of replies that may come */
    uint64_t strays;                 /* replies to nothing */
};

struct p9front {
    struct p9dev p9dev;        /* first, so that p9dev_ops can find us */
    struct xenbus_device bus;
    struct spinlock lock;      /* of all below, and the rings */
    bool connected;
    unsigned nrings;
    struct p9front_ring ring[P9FRONT_RINGS];
    struct p9_request *pending[P9FRONT_PENDING]; /* by tag; the last one is Tversion's */
};

extern const struct p9dev_ops p9front_ops;

/* The ring's event. */
void p9front_interrupt(uint32_t port, void *arg);

/* Give all that is under way back with that status. Context: any, lock not held. */
void p9front_end_all(struct p9front *d, int status);
