/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block driver's inside: virtio_blk_probe.c sets up, virtio_blk.c takes requests and gives them
 * back, virtio_blk_request.c describes them to the device, virtio_blk_watch.c waits for what does
 * not come.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvm/virtio.h>
#include <pith/blkdev_driver.h>
#include <pith/spinlock.h>
#include <pith/timer.h>

#define VIRTIO_BLK_QUEUE 128 /* entries: with indirect tables that many requests */
#define VIRTIO_BLK_MAX_BYTES (1024 * 1024) /* of one request */
#define VIRTIO_BLK_ID_LEN 20 /* of GET_ID, not always terminated (virtio 1.2, 5.2.6) */

/* Request types. */
#define VIRTIO_BLK_IN      0
#define VIRTIO_BLK_OUT     1
#define VIRTIO_BLK_FLUSH   4
#define VIRTIO_BLK_GET_ID  8
#define VIRTIO_BLK_DISCARD 11

/* Status bytes; anything else is the device's mistake. */
#define VIRTIO_BLK_OK      0
#define VIRTIO_BLK_ERROR   1
#define VIRTIO_BLK_UNSUPP  2
#define VIRTIO_BLK_PENDING 0xff /* what we put there before */

struct virtio_blk_header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};

/* What a discard is about; its only piece of data. */
struct virtio_blk_range {
    uint64_t sector;
    uint32_t nsectors;
    uint32_t flags; /* 0: none may be set */
};

#define VIRTIO_BLK_SMALL 6 /* header, four pieces, status */

/* What a request shares with the device. */
struct virtio_blk_slot {
    struct virtio_blk_header header;
    union {
        struct virtio_desc table[VIRTIO_BLK_SMALL];
        struct {
            struct virtio_desc used[VIRTIO_BLK_SMALL - 1]; /* more than a discard needs */
            struct virtio_blk_range range;
        };
    };
    volatile uint8_t status;
    uint8_t pad[15];
};

_Static_assert(sizeof(struct virtio_blk_slot) == 128, "slots lie side by side in pages");

/* And what it doesn't. */
struct virtio_blk_io {
    struct blk_request *req;  /* NULL: our own GET_ID */
    void *big_table;          /* a page of descriptors, when the small table did not do */
    void *bounce;             /* a copy of the data, when it lies in too many pieces */
    size_t bounce_pages;
    uint64_t start_ns;        /* 0: free */
    struct virtio_blk_io *next; /* of the free list or of a list of finished requests */
    int status;
};

struct virtio_blk {
    struct blkdev blkdev; /* first, so that blkdev_ops can find us */
    struct virtio_device *dev;
    struct virtio_queue queue;
    /* Of everything below and the ring. The timers' and the page allocator's locks nest in it. */
    struct spinlock lock;
    bool failing;
    struct timer watchdog;
    uint64_t timeout_ns;
    bool suspicious;      /* the watchdog has seen a finished request ... */
    uint16_t suspect_idx; /* ... this one */
    bool polled;          /* interrupts do not come */
    unsigned max_pieces; /* of data in one device request */
    uint32_t max_piece;  /* bytes of one */
    paddr_t slots_pa;
    struct virtio_blk_slot *slots;
    void *spare; /* a table page kept back, so that a big request goes on when memory is short */
    struct virtio_blk_io *free;
    char *id;    /* VIRTIO_BLK_ID_LEN bytes that the device fills */
    paddr_t id_pa;
    bool id_done;
    uint64_t bad_status; /* status bytes that mean nothing */
    struct virtio_blk_io io[VIRTIO_BLK_QUEUE];
};

/*
 * Put a request on the ring, unpublished. Errors: -ENOSPC no room now; anything else is the
 * request's own fault or memory: -EFAULT, -ENOMEM. Context: lock held.
 */
int virtio_blk_start(struct virtio_blk *b, struct blk_request *req, uint64_t now_ns);

/* The same for the device's serial number. */
int virtio_blk_start_id(struct virtio_blk *b, uint64_t now_ns);

/*
 * A request is over, with io->status set: copy what was bounced, release what it held. Context:
 * lock held.
 */
void virtio_blk_end(struct virtio_blk *b, struct virtio_blk_io *io);

extern const struct blkdev_ops virtio_blk_ops;

/* Take what is finished. Context: masked, lock not held. Returns how many requests. */
unsigned virtio_blk_complete(struct virtio_blk *b);

/*
 * Reset the device and give all its requests back. Context: masked, lock not held. Returns how
 * many.
 */
unsigned virtio_blk_give_up(struct virtio_blk *b, const char *why);

/* Arm the watchdog, whose function the other is. Context: any; interrupt. */
void virtio_blk_watch(struct virtio_blk *b, uint64_t now_ns);
void virtio_blk_watchdog(struct timer *t);
