/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network driver's inside: virtio_net_probe.c sets up, virtio_net_rx.c takes frames in,
 * virtio_net_tx.c sends, virtio_net.c has what is common: events, link, the end.
 *
 * No lock. The rings and all that isn't marked otherwise belong to the device's user, whose calls
 * come one at a time (pith/netdev.h). Interrupts touch `doubt` and what pith/netdev_driver.h says,
 * atomically, and nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvm/virtio.h>
#include <pith/netdev_driver.h>
#include <pith/platform.h>

/* Feature bits (virtio 1.2, 5.1.3). Not used: a control queue, more than one pair of queues. */
#define VIRTIO_NET_F_CSUM       (1ULL << 0)  /* the device finishes checksums of ours */
#define VIRTIO_NET_F_GUEST_CSUM (1ULL << 1)  /* we take frames without them */
#define VIRTIO_NET_F_MTU        (1ULL << 3)
#define VIRTIO_NET_F_MAC        (1ULL << 5)
#define VIRTIO_NET_F_GUEST_TSO4 (1ULL << 7)  /* we take segments longer than the MTU */
#define VIRTIO_NET_F_GUEST_TSO6 (1ULL << 8)
#define VIRTIO_NET_F_HOST_TSO4  (1ULL << 11) /* the device takes them */
#define VIRTIO_NET_F_HOST_TSO6  (1ULL << 12)
#define VIRTIO_NET_F_MRG_RXBUF  (1ULL << 15) /* a frame may fill several of our buffers */
#define VIRTIO_NET_F_STATUS     (1ULL << 16)

/* Configuration (5.1.4). */
#define VIRTIO_NET_CONFIG_MAC    0
#define VIRTIO_NET_CONFIG_STATUS 6
#define VIRTIO_NET_CONFIG_MTU    10
#define VIRTIO_NET_LINK_UP       1u /* of the status */

/* In front of each frame, both ways (5.1.6). */
struct virtio_net_header {
    uint8_t flags;
    uint8_t gso_type;
    uint16_t header_len;
    uint16_t gso_size;
    uint16_t csum_start;
    uint16_t csum_offset;
    uint16_t num_buffers; /* received, with MRG_RXBUF: of this frame */
};

_Static_assert(sizeof(struct virtio_net_header) == 12, "virtio 1.2, 5.1.6");

#define VIRTIO_NET_HDR_NEEDS_CSUM 1u
#define VIRTIO_NET_HDR_DATA_VALID 2u
#define VIRTIO_NET_GSO_NONE  0u
#define VIRTIO_NET_GSO_TCPV4 1u
#define VIRTIO_NET_GSO_TCPV6 4u
#define VIRTIO_NET_GSO_ECN   0x80u

#define VIRTIO_NET_RING 256u /* entries of each ring */

/*
 * A receive buffer: half a page, or more where long segments come and there is memory, since each
 * buffer of a frame costs as much as a frame. The device's part begins at 6, so that the Ethernet
 * header lies at 18 and the IP header behind it at 32.
 */
#define RX_SHIFT_LEAST 11u
#define RX_SHIFT_MOST  14u
#define RX_OFFSET      6u

/* A transmit header; the slot is that of the chain's first descriptor. */
#define TX_SLOT       16u
#define TX_MAX_PIECES 80u /* of a frame, after cutting */

/* Memory that frames to send come from, of which the device's address is known. */
struct virtio_net_window {
    uintptr_t va;
    paddr_t pa;
    size_t len;
};

struct virtio_net {
    struct netdev netdev; /* first, so that netdev_ops can find us */
    struct virtio_device *dev;
    struct virtio_queue rx, tx;

    /* Receive buffers: pool[i] describes the i-th piece of `buffers`. */
    struct netbuf *pool;
    char *buffers;
    paddr_t buffers_pa;
    unsigned nbuffers;
    unsigned rx_shift;    /* a buffer has 1 << rx_shift bytes, */
    uint32_t rx_space;    /* of these behind RX_OFFSET */
    struct netbuf *spare; /* not lent, not in the ring */
    unsigned low;         /* fewer buffers in the ring than this may be too few for a frame */
    uint32_t longest;     /* bytes of a frame that may come */
    bool mergeable;

    struct virtio_net_window window[2];

    char *headers;        /* TX_SLOT bytes per descriptor of the transmit ring */
    paddr_t headers_pa;

    const char *doubt;    /* atomic: why the device is to be given up */
};

static inline struct virtio_net *virtio_net_of(struct netdev *dev)
{
    return (struct virtio_net *)(void *)dev;
}

/*
 * Give the device up when it has broken a ring, asks for a reset, or was given up below us: one log
 * line, frames to send are done, received ones may still come back. Returns whether it is usable.
 * Context: the user's.
 */
bool virtio_net_check_all(struct virtio_net *net);

/* The same, for the usual case: nothing is wrong. */
static inline bool virtio_net_check(struct virtio_net *net)
{
    bool doubtful = net->netdev.failed | net->rx.ring.broken | net->tx.ring.broken |
                    net->dev->failed | (__atomic_load_n(&net->doubt, __ATOMIC_RELAXED) != NULL);
    return __builtin_expect(!doubtful, 1) || virtio_net_check_all(net);
}

/* Read the link's state. Context: any. */
bool virtio_net_link(struct virtio_net *net);

/* Interrupt of both queues, and of the configuration. arg is the struct virtio_net. */
void virtio_net_interrupt(void *arg);
void virtio_net_config(void *arg);

/* Receiving (virtio_net_rx.c). */
int virtio_net_receive(struct netdev *dev, struct netbuf **frames, unsigned n);
/* Put what buffers there are into the ring, and tell the device. Context: the user's. */
void virtio_net_refill(struct virtio_net *net);
/* After the device's end: take its buffers. */
void virtio_net_rx_reclaim(struct virtio_net *net);

extern const struct netdev_ops virtio_net_ops;

/* Sending (virtio_net_tx.c). */
int virtio_net_transmit(struct netdev *dev, struct netbuf **frames, unsigned n);
int virtio_net_reap(struct netdev *dev);
/* done() for what the device has sent; returns how many frames. Context: the user's. */
int virtio_net_take_sent(struct virtio_net *net);
/* After the device's end: done() for all. */
void virtio_net_tx_reclaim(struct virtio_net *net);
