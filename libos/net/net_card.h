/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network device as an interface of lwIP: frames up, frames down, the link. All under net_lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <lwip/opt.h>

#include <lwip/netif.h>
#include <lwip/pbuf.h>

#include <pith/netdev.h>

#include "net_parse.h"

#define NET_CARD_QUEUE 64u /* frames that wait for the end of a net_lock section, to go at once */

struct tx_frame;

struct net_card {
    struct netif netif;
    struct netdev *dev;
    struct net_card *next;
    struct net_settings ip4, ip6;
    ip4_addr_t told;        /* the address by DHCP that the log has */
    struct netbuf *queue[NET_CARD_QUEUE];
    unsigned nqueue;
    bool blocked;           /* the device's ring was full; it will tell when it isn't any more */
    bool failed;            /* said so in the log */
    bool first_link;        /* the link has been looked at */
    uint32_t announced;     /* dev->announce, as far as it was done */
    unsigned lent;          /* frames of the device that lwIP or a socket has */
    uint64_t rx_copied;     /* frames copied: most buffers are out, or in short pieces */
    uint64_t rx_refused;    /* frames dropped: no memory, too long or short, no known type */
    uint64_t tx_refused;    /* frames that found the queue full or no memory */
};

extern struct net_card *net_card_list; /* in the order of the devices */

/* What a net_lock section may leave to be done at its end. */
extern bool net_cards_queued;              /* frames wait in some card's queue */
extern struct tx_frame *net_frames_sent;   /* devices have done with them; atomic */

/* The interface that lwIP calls netif; NULL for the loopback interface. */
static inline struct net_card *net_card_of(const struct netif *netif)
{
    return netif->linkoutput == NULL ? NULL : netif->state;
}

/* Claim every device that nobody uses and make it an interface. Errors: -ENOMEM. */
int net_card_attach_all(void);

/* The same for devices that have come since, which get their addresses, too. */
void net_card_attach_new(void);

/* Leave to the device what it does now: another host's may do less. */
void net_card_offloads(struct net_card *card);

/* The device has been removed: so is its interface. The card is freed when nothing of it is lent. */
void net_card_remove(struct net_card *card);

/* Removed: off the list, but what they have lent is still out. Let go of those that have it back. */
extern struct net_card *net_card_removed;
void net_card_free_removed(void);

/* Have neighbours and switches hear where this machine's addresses are (net_announce.c). */
void net_announce(struct netif *netif);

/*
 * Take what has arrived, at most one batch per device, and look at the links. Returns whether there
 * may be more.
 */
bool net_card_receive(void);

/* Hand what is queued to the devices, with one notify each. */
void net_card_flush(void);

/* Free what devices have sent. */
void net_card_collect(void);

/* Whether there is nothing to flush, to collect, nor to free: at the end of most sections. */
static inline bool net_card_nothing_left(void)
{
    return !net_cards_queued && net_card_removed == NULL &&
           __atomic_load_n(&net_frames_sent, __ATOMIC_RELAXED) == NULL;
}

/* How many frames have not left yet, as devices say now. */
unsigned net_card_unsent(void);

/* Arm the devices' events; true: something is there already and the engine has to run again. */
bool net_card_arm(void);

/* Sending, net_card_tx.c; netif.linkoutput. */
err_t net_card_output(struct netif *netif, struct pbuf *p);
void net_card_flush_one(struct net_card *card);

/* What is queued will never be sent. */
void net_card_drop_queue(struct net_card *card);

/*
 * The sum of the pseudo header, folded and not inverted, as NETBUF_CSUM_PARTIAL wants it. The
 * addresses are in network order as they stand in the packet; len: of header and data.
 */
uint16_t net_pseudo_sum(const void *addresses, unsigned nbytes, unsigned protocol, unsigned len);
