/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transports for 9P: what a driver offers to the file system that speaks it (libos/fs/p9*).
 *
 * A transport carries one message to the host and one reply back, many at a time; what they say is
 * none of its business, except that replies which come in one stream are told apart by their tag
 * (9P: size[4] type[1] tag[2]). Buffers belong to the driver from submit to done().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define P9DEV_NAME_MAX  64u  /* of a mount tag, with its NUL */
#define P9DEV_OUT       3u   /* pieces of a message */
#define P9DEV_IN        2u   /* pieces of a reply's buffer */
#define P9DEV_TAGS      32u  /* tags are below that, or 0xffff: one Tversion, while nothing else is */
#define P9DEV_SMALLEST  8192u /* what max_message is at least */

struct p9_piece {
    void *base; /* any address of ours; may cross pages */
    size_t len; /* not 0 */
};

struct p9_request {
    struct p9_piece out[P9DEV_OUT]; /* the message; only read */
    struct p9_piece in[P9DEV_IN];   /* where the reply goes, in that order; nothing else is written */
    unsigned nout, nin;
    uint16_t tag;        /* as in the message, below P9DEV_TAGS or 0xffff; of no other request that is under way */
    unsigned generation; /* the connection that it was made for */
    size_t received;     /* valid in done() with status 0: bytes of the reply, at most those of in[] */
    int status;          /* 0; -EIO: the device has failed; -EPIPE: its connection is gone */
    void (*done)(struct p9_request *req); /* interrupt or submitter's context, masked: wake only */
    void *arg;           /* the submitter's */
    void *driver;        /* the driver's, while under way */
};

struct p9dev;

struct p9dev_ops {
    /*
     * Send a message. Errors: -EAGAIN no room now, -EIO failed, -EPIPE its generation is not the
     * connection's (any more). Context: thread.
     */
    int (*submit)(struct p9dev *dev, struct p9_request *req);

    /* Take what has come, without waiting: for who thinks that an interrupt is late. Thread. */
    void (*poll)(struct p9dev *dev);

    /* Give the device up, with one log line: all that is under way ends with -EIO. Thread. */
    void (*fail)(struct p9dev *dev, const char *why);
};

struct p9dev {
    const struct p9dev_ops *ops;
    char name[P9DEV_NAME_MAX]; /* the host's name for the folder: its mount tag */
    uint32_t max_message;      /* bytes, either way */
    /*
     * Counts connections. A new one (after the machine was moved) knows nothing of the old one's
     * files: what was under way ended with -EPIPE, and nobody knows whether it was done. Atomic.
     */
    unsigned generation;
    bool failed;               /* for good; atomic */
    struct p9dev *next;
};

/* Upcall of drivers: enter it, its name set. */
void p9dev_attach(struct p9dev *dev);

/* The device of that name, probing the buses at the first call; NULL when there is none. */
struct p9dev *p9dev_find(const char *name);
