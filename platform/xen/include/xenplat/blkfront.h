/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the block front end (public/io/blkif.h): blkfront.c takes requests and gives them
 * back, blkfront_request.c describes them to the backend, blkfront_pages.c has the pages that it
 * sees, blkfront_watch.c waits for what does not come, blkfront_connect.c agrees with the backend,
 * blkfront_probe.c is a device's life, blkfront_name.c what it is called.
 *
 * A request of libos becomes one entry of the ring, or several where the backend takes less at once;
 * the first of them, the leader, ends it when all are answered.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pith/blkdev_driver.h>
#include <pith/platform.h>
#include <pith/spinlock.h>
#include <pith/timer.h>
#include <pith/waitq.h>
#include <xenplat/abi.h>
#include <xenplat/xenbus.h>

#include <xen/io/blkif.h>

#define BLKFRONT_RING_ORDER 4u  /* 16 pages, the most that Linux's backend maps */
#define BLKFRONT_RING_PAGES (1u << BLKFRONT_RING_ORDER)
#define BLKFRONT_SEGMENTS   64u /* of an indirect request: 256 KiB */
#define BLKFRONT_MAX_BYTES  (256 * 1024) /* of a request of libos, whatever the backend takes */
#define BLKFRONT_REFS       512u /* pages that the backend may see at a time: 2 MiB */
#define BLKFRONT_DISCARD    (1u << 22) /* sectors that one request discards: 2 GiB */

/* A page that the backend sees, or the reference for one. */
struct blkfront_page {
    uint32_t ref;
    uint8_t first, last;  /* sectors of the data in it */
    bool own;             /* a page of the pool, which stays granted; else of the program's memory */
    bool granted;
    char *page;           /* NULL: none at the moment */
    struct blkfront_page *next;
};

/* What is in an entry of the ring; their number is the entry's id, but they are not tied to it. */
struct blkfront_io {
    struct blk_request *req;
    struct blkfront_io *leader; /* itself, or the request's first */
    struct blkfront_page *pages; /* the data's, in order; at the end that of an indirect request's list */
    struct blkfront_io *next;   /* of the free ones */
    uint64_t order;             /* counts requests, so that they can be repeated in order */
    uint32_t offset, len;       /* the part of the request's data, bytes */
    uint32_t turn;              /* counts uses of this structure: half of the id */
    uint16_t ticks;             /* of the watchdog since it began */
    uint8_t op;                 /* BLKIF_OP_..., what the answer has to repeat */
    bool busy;                  /* the backend has it */
    bool copied;                /* the data goes through pages of the pool */
    /* A leader's: */
    uint16_t left;              /* parts that are not answered */
    int status;                 /* the first error */
};

/* What the command line leaves switched on: xen.blk=ring=N,noindirect,... */
struct blkfront_options {
    unsigned ring_pages;
    bool indirect, persistent, flush, barrier, discard;
};

enum blkfront_state {
    BLKFRONT_OFF,       /* no ring: not connected yet, or being connected again */
    BLKFRONT_CONNECTED,
    BLKFRONT_FAILED,    /* given up; the backend may still see pages of ours */
    BLKFRONT_GONE,      /* detached */
};

struct blkfront {
    struct blkdev blkdev; /* first, so that blkdev_ops can find us */
    struct xenbus_device bus;
    struct blkfront_options options;
    unsigned vdev;
    bool connected_once;
    const char *refused; /* what of the backend's tree can't be, for its report; NULL: nothing */

    /* Guards everything below; the allocators' and grants' locks nest in it. */
    struct spinlock lock;
    enum blkfront_state state;
    struct timer watchdog;
    unsigned timeout_s;
    struct waitq idle; /* who waits for nbusy == 0 */

    /* The ring: our two indices are kept here and only published. */
    struct blkif_sring *ring;
    unsigned ring_pages, ring_size;
    uint32_t ring_refs[BLKFRONT_RING_PAGES];
    uint32_t req_prod, rsp_cons;
    uint32_t generation; /* xen_generation() when the ring was made; when it is another it means nothing */
    uint32_t port;

    /* What was agreed. */
    unsigned max_segments; /* of an entry of the ring */
    bool persistent, flush, barrier;

    /* Entries, and requests that wait for room after a resume (linked by req->driver). */
    struct blkfront_io *io, *free_io;
    unsigned nio, nbusy; /* entries that are not answered */
    uint64_t order;
    struct blk_request *again;

    /* Pages: those that are granted already, the last used first, and bare references. */
    struct blkfront_page *page, *granted, *bare;
    unsigned npages, pool, pool_max;
    unsigned stuck; /* references that the backend does not let go of */

    uint64_t bad_status, bad_size, notifications, responses;
};

/* ---- blkfront_pages.c; context of all: lock held ---- */

/* References for all pages. Errors: -ENOMEM, -ENOSPC. Context: thread, lock not held. */
int blkfront_pages_init(struct blkfront *b);

/* A page of the pool. NULL: all are in use, or there is no memory. */
struct blkfront_page *blkfront_page_get(struct blkfront *b);

/* Grant the page of the program that contains p. NULL: no reference is left, or it can't be. */
struct blkfront_page *blkfront_page_lend(struct blkfront *b, const void *p, bool readonly);

/* The backend is done with a list of them. False: one is still mapped, which it should not be. */
bool blkfront_pages_put(struct blkfront *b, struct blkfront_page *list);

/* After a resume: everything that is granted is granted to domain b->bus.domain. */
void blkfront_pages_again(struct blkfront *b);

/* Give back all; what the backend has kept stays behind. Nothing is in use. Lock not held. */
void blkfront_pages_free(struct blkfront *b);

/* ---- blkfront_request.c; lock held ---- */

/* Give back an io and what it holds; true, or false as blkfront_pages_put(). */
bool blkfront_io_release(struct blkfront *b, struct blkfront_io *io);

/*
 * Put a request on the ring, unpublished. Errors: -ENOSPC no room now; anything else is the
 * request's own fault or memory: -ENOMEM.
 */
int blkfront_start(struct blkfront *b, struct blk_request *req);

/* Data for a request that was read, from the pool's pages. */
void blkfront_io_copy_back(const struct blkfront_io *io);

/* ---- blkfront.c ---- */

extern const struct blkdev_ops blkfront_ops;

/* The event channel's handler. */
void blkfront_event(uint32_t port, void *arg);

/* Take what is answered. Context: masked, lock not held. Returns how many requests ended. */
unsigned blkfront_complete(struct blkfront *b);

/* Tell the backend of new requests, if it wants to know. Lock held; returns whether to notify. */
bool blkfront_publish(struct blkfront *b);

/* Go on with what waits for room. Lock held; ended requests are pushed to *list. */
void blkfront_start_again(struct blkfront *b, struct blk_request **list);

/*
 * Give the device up: all requests end with -EIO, and none is taken any more. Context: masked, lock
 * not held. Returns how many ended.
 */
unsigned blkfront_give_up(struct blkfront *b, const char *why);

/* The same in silence. */
unsigned blkfront_end_all(struct blkfront *b, enum blkfront_state state);

/* Take all requests off the ring, to be repeated in their order. Lock held. */
void blkfront_withdraw(struct blkfront *b);

/* ---- blkfront_watch.c ---- */

void blkfront_watch_start(struct blkfront *b);
void blkfront_watchdog(struct timer *t);

/* ---- blkfront_connect.c; threads ---- */

/*
 * From Initialising to Connected: ring, event channel, what the backend can do. b->bus is open.
 * Errors: of xenstore and grants, -ENODEV the backend closes, -ETIMEDOUT, -EINVAL it says what can't
 * be. What was made stays for blkfront_disconnect().
 */
int blkfront_connect(struct blkfront *b);

/* Let go of the event channel and of the ring; what the backend keeps of it stays behind. */
void blkfront_disconnect(struct blkfront *b);

/* Read the size again. -Exxx: what is there can't be, and it stays what it was. */
int blkfront_read_size(struct blkfront *b);

/* ---- blkfront_probe.c ---- */

/* The memory of a device that nobody refers to any more. Context: thread. */
void blkfront_destroy(struct blkfront *b);

/* ---- blkfront_name.c ---- */

/*
 * What a device is called (xen docs/man/xen-vbd-interface.7): "vda" and the alias "xvda" for the
 * number of xvda; empty where the number says nothing that fits.
 */
void blkfront_name(unsigned vdev, char name[BLKDEV_NAME_MAX], char alias[BLKDEV_NAME_MAX]);

/* ---- blkfront_options.c ---- */

void blkfront_options_parse(const char *text, struct blkfront_options *options);
