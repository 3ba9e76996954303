/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network devices: what a driver offers, and the direct calls for programs that want raw Ethernet
 * frames and no TCP/IP stack.
 *
 * A frame is a chain of netbufs, Ethernet header first, without FCS. Received buffers are lent by
 * the driver and go back by netdev_release(); buffers to send stay the sender's until done() is
 * called. No call copies a frame or sleeps. A device has one user: whoever claims it, the TCP/IP
 * stack or the program. done() and on_event() are PITH_INTERRUPT functions (pith/irq.h).
 *
 * A program that sends each frame back to where it came from (tests/guest/netdev has more):
 *
 *     static struct io_waiter waiter; // pith/iowait.h; io_waiter_init() first
 *     static PITH_INTERRUPT void on_event(struct netdev *dev) { (void)dev; io_wake(&waiter); }
 *     static PITH_INTERRUPT void sent(struct netbuf *frame) { netdev_release(frame->arg, frame); }
 *
 *     struct netdev *dev = netdev_find("eth0");
 *     netdev_claim(dev, &waiter, on_event, NULL); // -EBUSY when the stack has it
 *     for (;;) {
 *         struct netbuf *frame;
 *         if (netdev_receive(dev, &frame, 1) == 1) {
 *             swap_addresses(frame->data);
 *             frame->done = sent;
 *             frame->arg = dev;
 *             if (netdev_transmit(dev, &frame, 1) != 1) {
 *                 netdev_release(dev, frame);
 *             }
 *         } else if (!netdev_arm(dev, false)) {
 *             io_wait(&waiter, UINT64_MAX);
 *         }
 *     }
 *
 * The device is as the host made it: checksums that are left to the other end (NETBUF_CSUM_...) come
 * and go as they are. A device that breaks its protocol is given up, with one line in the log: then
 * `failed` is set, on_event() says so once, transmit() answers -EIO, receive() 0, and what was to be
 * sent is done(). Of a ring out of which nothing has gone for five seconds it drops what is sent.
 * Devices may come and go while the program runs, where the host can do that. One that is removed is
 * off the list at once; for whoever has claimed it, it has failed, and `gone` is set besides. Its
 * memory goes with netdev_unclaim(); without a claim a pointer to a device may go stale at any time,
 * which netdev_claim() notices, and so does nobody else: to look only, use netdev_copy().
 *
 * Boot options: `net.buffers=` how many receive buffers (64 to 512 by the machine's memory; each of 2 KiB,
 * on Xen of 4 KiB, with a virtio card and long segments of up to 16 KiB, together at most a sixtieth of the
 * memory where that is more), `net.gro=` 0 take no segments longer than the MTU, NETBUF_GSO_..., else they are taken
 * where the host offers them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETDEV_STACK_ROOM 64 /* bytes in each netbuf for its user: lwIP's custom pbuf */

/* What is known of a frame; in its first netbuf. */
#define NETBUF_CSUM_VALID   1u /* received: the host vouches for the TCP/UDP checksum */
#define NETBUF_CSUM_PARTIAL 2u /* TCP/UDP checksum holds only the pseudo header's sum: to be finished */
#define NETBUF_GSO_TCP4     4u /* a segment longer than the MTU, in pieces of gso_size payload */
#define NETBUF_GSO_TCP6     8u

/* One piece of a frame. */
struct netbuf {
    struct netbuf *next;     /* next piece of this frame, or NULL */
    void *data;              /* any address of ours; may cross pages */
    uint32_t len;            /* bytes of data */
    uint32_t capacity;       /* received: bytes of the buffer behind data, at least len */
    /* Of the frame, in its first piece: */
    uint32_t flags;          /* NETBUF_... */
    uint16_t csum_start;     /* CSUM_PARTIAL: where summing begins, from the frame's first byte */
    uint16_t csum_offset;    /* ... and where the sum goes, from csum_start */
    uint16_t gso_size;       /* GSO: payload bytes of a segment */
    uint16_t header_len;     /* GSO: bytes of all headers */
    uint32_t headroom;       /* bytes before data that the driver may write over until done(); received:
                                that there are. None, 0, is right everywhere, 12 are quicker */
    void (*done)(struct netbuf *frame); /* to send: finished or failed; thread or interrupt, masked:
                                           must not sleep, nor call the device except for
                                           netdev_release() */
    void *arg;               /* the user's */
    void *driver;            /* the driver's */
    uint64_t room[NETDEV_STACK_ROOM / 8]; /* the user's, while it has the buffer */
};

struct netdev;

/* Context of all: thread, one at a time (the claimer has a lock); none sleeps. */
struct netdev_ops {
    /*
     * Queue up to n frames and notify the device at most once; returns how many were taken (fewer
     * when the ring is full), or -EIO when the device has failed. Frees what has been sent first.
     */
    int (*transmit)(struct netdev *dev, struct netbuf **frames, unsigned n);

    /* Take up to n received frames and refill the ring; returns how many. */
    int (*receive)(struct netdev *dev, struct netbuf **frames, unsigned n);

    /* Call done() for frames that have been sent; returns how many. */
    int (*reap)(struct netdev *dev);

    /* Give a received frame (the whole chain) back. Context: any, also from other threads. */
    void (*release)(struct netdev *dev, struct netbuf *frame);

    /*
     * Ask for one call of on_event() at the next received frame, link change, and (with want_tx)
     * when ring space for sending has come back. Returns true when there is something already: it
     * isn't armed then. Without arming, on_event() is not called.
     */
    bool (*arm)(struct netdev *dev, bool want_tx);

    /*
     * After netdev_detach(): nobody knows the device any more, its memory may go. NULL: the driver
     * never detaches. Context: thread.
     */
    void (*free)(struct netdev *dev);
};

struct netdev_stats {
    uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
    uint64_t rx_dropped;  /* malformed by the device, or no memory */
    uint64_t rx_nobuf;    /* times that the ring was out of buffers, all being lent out */
    uint64_t tx_dropped;
    uint64_t interrupts, notifies;
};

/* Of a driver: see pith/netdev_driver.h. The first four are touched by interrupts and any thread. */
struct netdev_shared {
    struct netbuf *returned; /* a stack of frames that release() has got */
    bool armed;              /* on_event() is wanted */
    bool changed;            /* link, or failure: arm() has yet to tell */
    bool dry;                /* too few buffers are posted and none was there: release() tells */
    bool told_bad_frame, told_stuck; /* logged once */
    uint64_t full_since;     /* ns: nothing has gone out of a full ring since then; 0: it isn't so */
};

struct netdev {
    const struct netdev_ops *ops;
    char name[8];            /* "eth0", given by netdev_attach() */
    uint8_t mac[6];
    uint16_t mtu;            /* payload of a frame: 1500 unless the host says otherwise */
    bool link_up;            /* as last heard; changes are told by on_event() */
    bool failed;             /* the driver gave it up */
    bool gone;               /* netdev_detach(): it will never come back */
    bool tx_csum;            /* it finishes CSUM_PARTIAL frames */
    bool rx_csum;            /* it may deliver CSUM_VALID or CSUM_PARTIAL frames */
    uint32_t tso_max;        /* largest GSO frame it takes, 0: none */
    unsigned rx_buffers;     /* that it has in all: lent out plus in the ring */
    unsigned rx_lent;        /* of these, lent out now (a hint) */
    unsigned tx_slots;       /* pieces that the transmit ring holds */
    uint32_t announce;       /* goes up, with an on_event(), when others have to be told anew where
                                this machine is (it was moved to another host); the driver's */
    struct netdev_stats stats;
    void (*on_event)(struct netdev *dev); /* the claimer's; interrupt, masked: wakes */
    void *arg;               /* the claimer's */
    const void *claimed_by;  /* NULL: nobody */
    unsigned number;         /* of its name */
    uint32_t serial;         /* counts attachments, from 1 */
    struct netdev *next;
    struct netdev_shared shared; /* the driver's */
};

/*
 * Upcall of drivers, at any time: name it ("eth" and the lowest number that is free) and add it to
 * the list. Context: thread.
 */
void netdev_attach(struct netdev *dev);

/*
 * Upcall of drivers: the device has been removed; nothing to send is left in it. ops->free() is called, now or when its user has let go of it. Context: thread.
 */
void netdev_detach(struct netdev *dev);

/* The i-th device by name, or NULL; the first call probes the buses. Context: thread. */
struct netdev *netdev_at(unsigned i);

/* The device of that name, or NULL. */
struct netdev *netdev_find(const char *name);

/* A copy of the i-th device, to be looked at only; false: there is none. Context: thread. */
bool netdev_copy(unsigned i, struct netdev *copy);

/* Become the device's only user. Errors: -EBUSY, -ENODEV it was removed meanwhile. */
int netdev_claim(struct netdev *dev, const void *who, void (*on_event)(struct netdev *), void *arg);

/*
 * Claim the device that was attached first of those after *serial and that nobody has; *serial
 * becomes its own. NULL: there is none.
 */
struct netdev *netdev_claim_next(uint32_t *serial, const void *who,
                                 void (*on_event)(struct netdev *), void *arg);

/* Give it up. All lent buffers must have been given back; the device may be no more on return. */
void netdev_unclaim(struct netdev *dev);

/* Have fn called when devices have been added, from now on: one caller. Context of fn: thread. */
void netdev_watch(void (*fn)(void));

static inline int netdev_transmit(struct netdev *dev, struct netbuf **frames, unsigned n)
{
    return dev->ops->transmit(dev, frames, n);
}

static inline int netdev_receive(struct netdev *dev, struct netbuf **frames, unsigned n)
{
    return dev->ops->receive(dev, frames, n);
}

static inline int netdev_reap(struct netdev *dev)
{
    return dev->ops->reap(dev);
}

static inline void netdev_release(struct netdev *dev, struct netbuf *frame)
{
    dev->ops->release(dev, frame);
}

static inline bool netdev_arm(struct netdev *dev, bool want_tx)
{
    return dev->ops->arm(dev, want_tx);
}
