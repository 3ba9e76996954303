/* SPDX-License-Identifier: BSD-2-Clause */
/* The card by Pith's device API (pith/netdev.h): frames go out from where they lie. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pith/iowait.h>
#include <pith/irq.h>
#include <pith/netdev.h>

#include "card.h"

#define ROOM 16u /* in front of each frame, for the card's header */

static struct netdev *dev;
static struct io_waiter waiter;

static struct own {
    struct netbuf nb;
    volatile bool busy;
    uint8_t room[ROOM], data[FRAME_MAX];
} own[SEND_BUFFERS];
static unsigned next;

static PITH_INTERRUPT void on_event(struct netdev *d)
{
    (void)d;
    io_wake(&waiter);
}

static PITH_INTERRUPT void returned(struct netbuf *frame)
{
    netdev_release(dev, frame);
}

static PITH_INTERRUPT void sent(struct netbuf *frame)
{
    ((struct own *)frame->arg)->busy = false;
}

/* What arrives while we wait for room is dropped: as long as it lies there, arm() does not wait. */
static void wait(bool for_room)
{
    if (!netdev_arm(dev, for_room)) {
        io_wait(&waiter, UINT64_MAX);
    } else if (for_room) {
        struct netbuf *frame;
        while (netdev_receive(dev, &frame, 1) == 1) {
            netdev_release(dev, frame);
        }
    }
    if (dev->failed) {
        fprintf(stderr, "frames: the card has failed\n");
        exit(1);
    }
}

void card_open(uint8_t mac[6])
{
    io_waiter_init(&waiter);
    dev = netdev_find("eth0");
    if (dev == NULL || netdev_claim(dev, &waiter, on_event, NULL) != 0) {
        fprintf(stderr, "frames: no card\n");
        exit(1);
    }
    memcpy(mac, dev->mac, 6);
}

unsigned card_receive(struct frame *frames)
{
    struct netbuf *nb[BATCH];
    int n;
    while ((n = netdev_receive(dev, nb, BATCH)) == 0) {
        wait(false);
    }
    for (int i = 0; i < n; i++) {
        frames[i] = (struct frame){ nb[i]->data, nb[i]->len, nb[i] };
    }
    return (unsigned)n;
}

void card_drop(struct frame *frames, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        netdev_release(dev, frames[i].card);
    }
}

static void transmit(struct netbuf **list, unsigned n)
{
    for (;;) {
        int taken = netdev_transmit(dev, list, n);
        if (taken > 0) {
            list += taken;
            n -= (unsigned)taken;
        }
        if (n == 0) {
            return;
        }
        wait(true);
    }
}

void card_return(struct frame *frames, unsigned n)
{
    struct netbuf *list[BATCH];
    for (unsigned i = 0; i < n; i++) {
        list[i] = frames[i].card;
        list[i]->done = returned;
    }
    if (n > 0) {
        transmit(list, n);
    }
}

void card_send(const uint8_t *frame, uint32_t len, unsigned n, bool copy)
{
    struct netbuf *list[BATCH];
    for (unsigned i = 0; i < n; i++) {
        struct own *o = &own[next++ % SEND_BUFFERS];
        while (o->busy && netdev_reap(dev) == 0) {
            wait(true);
        }
        if (copy) {
            memcpy(o->data, frame, len);
        }
        o->busy = true;
        o->nb = (struct netbuf){
            .data = o->data, .len = len, .headroom = ROOM, .done = sent, .arg = o
        };
        list[i] = &o->nb;
    }
    transmit(list, n);
}
