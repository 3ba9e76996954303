/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices as interfaces of lwIP: their links, and batches of frames both ways. */
#include "net_card.h"

#include <lwip/priv/tcp_priv.h>

#include <pith/iowait.h>
#include <pith/log.h>

#include "net_config.h"
#include "net_card_rx.h"
#include "net_memory.h"
#include "net_tcp_short.h"

#define BATCH   64u    /* frames taken at once; other threads get the lock in between */

struct net_card *net_card_list;

static void look_at_link(struct net_card *card)
{
    struct netdev *dev = card->dev;
    bool failed = __atomic_load_n(&dev->failed, __ATOMIC_ACQUIRE);
    bool up = dev->link_up && !failed;

    if (dev->gone) {
        return; /* just now: it is seen when the engine looks next */
    }
    if (failed && !card->failed) {
        card->failed = true;
        klog(LOG_ERROR, "net: %s: the device has failed, the interface is down", dev->name);
    }
    if (up != netif_is_link_up(&card->netif)) {
        if (card->first_link) {
            klog(LOG_INFO, "net: %s: link %s", dev->name, up ? "up" : "down");
        }
        if (up) {
            netif_set_link_up(&card->netif);
        } else {
            netif_set_link_down(&card->netif);
        }
        net_config_changed();
    }
    card->first_link = true;
    uint32_t announce = __atomic_load_n(&dev->announce, __ATOMIC_ACQUIRE);
    if (announce != card->announced && up) {
        card->announced = announce;
        net_card_offloads(card);
        net_announce(&card->netif);
    }
}

static bool receive_one(struct net_card *card)
{
    struct netbuf *frames[BATCH];

    /* TCP does not send a segment again that it takes for being on its way still. */
    netdev_reap(card->dev);
    net_card_collect();
    if (card->blocked) {
        net_card_flush_one(card);
        if (!card->blocked) {
            tcp_txnow(); /* connections that found the queue full */
        }
    }
    int n = netdev_receive(card->dev, frames, BATCH);
    for (int i = 0; i < n; i++) {
        net_card_input(card, frames[i]);
    }
    net_tcp_short_flush();
    return n == (int)BATCH;
}

bool net_card_receive(void)
{
    bool more = false;

    net_card_attach_new();
    for (struct net_card *card = net_card_list, *next; card != NULL; card = next) {
        next = card->next;
        if (__atomic_load_n(&card->dev->gone, __ATOMIC_ACQUIRE)) {
            net_card_remove(card);
            continue;
        }
        look_at_link(card);
        if (!card->failed) {
            more |= receive_one(card);
        }
    }
    return more;
}

void net_card_flush(void)
{
    net_cards_queued = false;
    for (struct net_card *card = net_card_list; card != NULL; card = card->next) {
        if (card->nqueue == 0) {
            continue;
        }
        net_card_flush_one(card);
        net_cards_queued |= card->nqueue != 0;
        if (card->blocked && netdev_arm(card->dev, true)) {
            io_engine_kick();
        }
    }
}

bool net_card_arm(void)
{
    bool more = false;

    for (struct net_card *card = net_card_list; card != NULL; card = card->next) {
        if (!card->failed) {
            more |= netdev_arm(card->dev, card->blocked);
        }
    }
    return more;
}
