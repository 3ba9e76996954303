/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames on their way to a card, for net_card_tx.c and net_card_cut.c. All under net_lock. */
#pragma once

#include "net_card.h"

#define NET_FRAME_PIECES  4u  /* of a frame; what has more is copied into one */
#define NET_FRAME_HEADERS 80u /* Ethernet, IPv6 and TCP, whose data segments have no options */

struct tx_frame {
    struct netbuf piece[NET_FRAME_PIECES];
    struct pbuf *p;                     /* kept until the frame is done with */
    struct tx_frame *next;              /* among the sent, or the spare ones */
    uint8_t room[16];                   /* in front of these, for the driver */
    uint8_t headers[NET_FRAME_HEADERS]; /* of a part of a long segment */
};

/* NULL: no memory. */
struct tx_frame *net_frame_alloc(void);

/* One that is not queued; its p is the caller's. */
void net_frame_free(struct tx_frame *f);

/* Queue it behind the others; there is room, and piece[0] has flags and gso_size. */
void net_frame_queue(struct net_card *card, struct tx_frame *f);

/*
 * Cut a segment that is longer than the MTU into frames, as a card would. Errors: ERR_MEM, where
 * nothing was sent of it and it may be tried again. What gets lost of it else TCP sends again.
 */
err_t net_card_cut(struct net_card *card, struct pbuf *p);
