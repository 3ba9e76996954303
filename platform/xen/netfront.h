/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network front end's inside (xen public/io/netif.h): netfront.c has what is common: events, the
 * end, the netdev's calls; netfront_tx.c sends, netfront_rx.c receives, netfront_frame.c looks at
 * packets, netfront_connect.c shakes hands with a backend, netfront_probe.c makes and ends devices.
 *
 * The device's user calls from its threads, the bus's thread connects and ends: `lock` is between
 * them. It guards all that isn't marked otherwise, and is taken before those of grants, pages and
 * the log. done() is called under it. Interrupts and release() take no lock; they touch what
 * pith/netdev_driver.h says, atomically, and nothing else.
 *
 * What the backend writes into a ring is read once, bounded and then used. An index that can't be,
 * an answer to nothing, and pages that it does not let go of are the end of the device; a frame that
 * makes no sense is dropped and counted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pith/netdev_driver.h>
#include <pith/platform.h>
#include <pith/spinlock.h>
#include <xenplat/abi.h>
#include <xenplat/xenbus.h>

#include <xen/io/netif.h>

#define NETFRONT_RING 256u /* places of each ring: what a page of either kind holds */
#define NETFRONT_SPARE_REFS 16u /* so many pages that a backend does not let go of are borne */

_Static_assert(GSO_FRAME_MAX == XEN_NETIF_MAX_TX_SIZE, "public/io/netif.h");

/* What was agreed on with the backend; the names are those of the boot option xen.net=. */
#define NETFRONT_SG     1u  /* frames in several pieces, both ways */
#define NETFRONT_GSO4   2u  /* we may send long segments of TCP over IPv4 ... */
#define NETFRONT_GSO6   4u
#define NETFRONT_CSUM   8u  /* checksums may be left to the other side, IPv4 ... */
#define NETFRONT_CSUM6  16u
#define NETFRONT_SPLIT  32u /* an event channel for each ring */
#define NETFRONT_NOTIFY 64u /* it may count on hearing of new receive buffers */
#define NETFRONT_GRO4   128u /* it may give us long segments */
#define NETFRONT_GRO6   256u

/* A piece of a frame that is being sent; its number is the request's id. */
struct netfront_tx_slot {
    uint32_t ref;
    uint16_t next;        /* free: the next free one */
    uint16_t first;       /* the slot of the frame's first piece */
    uint16_t unanswered;  /* first: pieces of the frame that are still out */
    bool used;            /* an answer is due */
    bool copied;          /* the page is `bounce` */
    bool failed;          /* first: a piece was answered by an error */
    struct netbuf *frame; /* first: what done() is called with; NULL elsewhere */
    uint32_t order;       /* first: the request's index */
    char *bounce;         /* a page for copies, or NULL; zeroes and earlier frames of ours */
};

struct netfront_tx {
    netif_tx_sring_t *shared;
    uint32_t ref, port;
    uint32_t prod, published; /* requests written; of these, told */
    uint32_t cons;            /* answers taken */
    struct netfront_tx_slot slot[NETFRONT_RING];
    uint16_t free;            /* list of slots, ends with NETFRONT_RING */
    unsigned nfree;
    unsigned nkept;           /* pieces that a backend has not let go of at the end */
    unsigned nagain;
    struct netbuf *again[NETFRONT_RING]; /* unanswered at a resume: to be sent again */
    uint32_t again_order[NETFRONT_RING];
};

struct netfront_rx_slot {
    struct netbuf *nb; /* NULL: nothing is posted in this place of the ring */
    uint32_t ref;
};

struct netfront_rx {
    netif_rx_sring_t *shared;
    uint32_t ref, port;
    uint32_t prod, published;
    uint32_t cons;
    struct netfront_rx_slot slot[NETFRONT_RING]; /* by place in the ring */
    uint32_t refs[NETFRONT_RING]; /* reserved, unused */
    unsigned nrefs;
    unsigned entries;             /* how many are posted at most */

    /* Buffers: pool[i] describes pages[i]. */
    struct netbuf *pool;
    char **pages;
    unsigned nbuffers;
    struct netbuf *spare; /* not lent, not posted */
    struct netbuf *bare;  /* the same, having lost its page */
    unsigned low;         /* fewer posted than this may be too few for a frame */
    uint32_t longest;     /* bytes of a frame that is no long segment */

    /* The frame that is coming. */
    struct netbuf *first, *last;
    uint32_t total;
    unsigned pieces;
    unsigned answers;     /* so far, extras too */
    uint16_t flags;       /* of its first answer */
    uint16_t gso_size;
    uint8_t gso_type;
    bool more, extra;     /* what the next answer has to be; both false: a new frame */
    const char *bad;      /* it will be dropped */
};

struct netfront {
    struct netdev netdev; /* first, so that netdev_ops can find us */
    struct spinlock lock;
    struct xenbus_device bus;
    unsigned number;      /* of device/vif/NUMBER */
    unsigned features;    /* NETFRONT_... */
    unsigned domain;      /* the backend's */
    bool trusted;         /* false: nothing but frames may be seen by the backend */
    bool connected;       /* rings are in use */
    uint32_t generation;  /* xen_generation() when they were made; when it is another they mean nothing */
    const char *doubt;    /* why the device is to be given up */
    struct netfront_tx tx;
    struct netfront_rx rx;
    uint32_t spare_refs[NETFRONT_SPARE_REFS];
    unsigned nspare_refs;
    bool told_error;      /* logged once */
};

static inline struct netfront *netfront_of(struct netdev *dev)
{
    return (struct netfront *)(void *)dev;
}

/* ---- netfront.c ---- */

extern const struct netdev_ops netfront_ops;

/* Both rings' events; arg is the struct netfront. */
void netfront_interrupt(uint32_t port, void *arg);

/* Whether the rings can be used; gives the device up when there is a doubt. Context: locked. */
bool netfront_check(struct netfront *net);

/*
 * Give the device up, failed because of `why`; NULL: it is removed, and netdev_detach() says so.
 * Frames to send are done, as far as the backend has let go of them. Context: locked.
 */
void netfront_give_up(struct netfront *net, const char *why);

/* A reference instead of one that stays with the backend. Returns 0 when there is none any more. */
uint32_t netfront_spare_ref(struct netfront *net);

/*
 * Requests [published, prod) have been written: publish them, and tell whether the other side wants
 * to hear of it (public/io/ring.h, RING_PUSH_REQUESTS_AND_CHECK_NOTIFY).
 */
bool netfront_publish(uint32_t *req_prod, const uint32_t *req_event, uint32_t prod,
                      uint32_t *published);

/* ---- netfront_probe.c ---- */

/* Nobody has the device any more, and no buffer of it. Context: any. */
void netfront_free(struct netdev *dev);

/* ---- netfront_frame.c ---- */

struct netfront_place {
    bool v6, tcp, tagged;
    uint16_t start, offset; /* of the checksum, as in struct netbuf */
    uint16_t header_len;    /* all headers, the transport's included */
};

/*
 * Where the TCP or UDP checksum of a frame lies; `len` bytes of it are at `frame`. False: it has
 * none there. One VLAN tag and IPv6's options are looked through; fragments have none.
 */
bool netfront_find_sum(const void *frame, uint32_t len, struct netfront_place *place);

/* The internet checksum's sum, not inverted, over bytes that begin at an even (0) or odd place. */
uint32_t netfront_sum(const void *data, uint32_t len, bool odd, uint32_t sum);
uint16_t netfront_fold(uint32_t sum);

/* ---- netfront_copy.c; context: locked ---- */

struct netfront_piece {
    const char *data; /* does not cross a page */
    uint32_t len;
};

/*
 * Copy the frame into the pages of the slots that will be taken next, *n of them, at most
 * XEN_NETIF_NR_SLOTS_MIN. Errors: -ENOSPC, -ENOMEM.
 */
int netfront_copy(struct netfront *net, const struct netbuf *frame, uint32_t len,
                  struct netfront_piece *piece, unsigned *n);

/* Whether the backend finds the frame's checksum by itself; `len` bytes of it are at `data`. */
bool netfront_sum_is_plain(const struct netbuf *frame, const char *data, uint32_t len);

/* Finish the checksum in a copy: the sum of everything from csum_start on goes to csum_offset. */
void netfront_finish_sum(const struct netbuf *frame, const struct netfront_piece *piece,
                         unsigned n);

/* ---- netfront_tx.c; context: locked ---- */

int netfront_transmit(struct netfront *net, struct netbuf **frames, unsigned n);
int netfront_take_sent(struct netfront *net);
/* Have an event come when half of what is out has been answered, or one; true: it is so already. */
bool netfront_tx_arm(struct netfront *net, bool one);
/* The rings are dead: done() for all, or keep them in tx.again[]. */
void netfront_tx_reclaim(struct netfront *net, bool again);
/* Send tx.again[]. */
void netfront_tx_again(struct netfront *net);

/* ---- netfront_rx.c; context: locked ---- */

int netfront_receive(struct netfront *net, struct netbuf **frames, unsigned n);
/* Post what buffers there are. */
void netfront_refill(struct netfront *net);
bool netfront_rx_arm(struct netfront *net);
void netfront_rx_disarm(struct netfront *net);
void netfront_rx_reclaim(struct netfront *net);

/* ---- netfront_connect.c; context: a thread, unlocked ---- */

/* From a device in the tree to a backend that is Connected. Errors have been told. */
int netfront_connect(struct netfront *net, const char *path);
/* Say what was agreed on. */
void netfront_tell(const struct netfront *net);

/* Rings, ports and the handshake's watch go; `moved`: the ports are gone already. */
void netfront_disconnect(struct netfront *net, bool moved);
