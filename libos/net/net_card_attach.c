/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices become interfaces of lwIP, and cease to be. */
#include "net_card.h"

#include <errno.h>
#include <string.h>

#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/snmp.h>
#include <netif/ethernet.h>

#include <pith/heap.h>
#include <pith/iowait.h>

#include "net_config.h"

#define MTU_MAX     65521u /* with the Ethernet header 65535, what lwIP's lengths hold */
#define HEADERS_MAX 128u   /* of a long segment: Ethernet, IPv6, TCP with options, and to spare */

/* The device wants attention. Context: interrupt. */
static void on_event(struct netdev *dev)
{
    (void)dev;
    io_engine_kick();
}

void net_card_offloads(struct net_card *card)
{
    const struct netdev *dev = card->dev;
    uint16_t sums = NETIF_CHECKSUM_ENABLE_ALL;

    if (dev->tx_csum) {
        sums &= (uint16_t)~(NETIF_CHECKSUM_GEN_TCP | NETIF_CHECKSUM_GEN_UDP);
    }
    NETIF_SET_CHECKSUM_CTRL(&card->netif, sums);
    /* What the card doesn't cut net_card_cut.c does. */
    bool cuts = dev->tx_csum && dev->tso_max > HEADERS_MAX && dev->tso_max < MTU_MAX;
    card->netif.tso_max = (uint16_t)((cuts ? dev->tso_max : MTU_MAX) - HEADERS_MAX);
}

/* What lwIP asks of an Ethernet interface (its contrib/examples/ethernetif). */
static err_t init_netif(struct netif *n)
{
    struct net_card *card = n->state;
    const struct netdev *dev = card->dev;

    n->name[0] = 'e';
    n->name[1] = 't';
    n->output = etharp_output;
    n->output_ip6 = ethip6_output;
    n->linkoutput = net_card_output;
    n->hwaddr_len = 6;
    memcpy(n->hwaddr, dev->mac, sizeof(dev->mac));
    n->mtu = dev->mtu < NET_MTU_MIN ? NET_MTU_MIN : dev->mtu > MTU_MAX ? MTU_MAX : dev->mtu;
    n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP |
               NETIF_FLAG_MLD6;
    net_card_offloads(card);
    MIB2_INIT_NETIF(n, snmp_ifType_ethernet_csmacd, 0);
    return ERR_OK;
}

static uint32_t known; /* the serial of the device that came last; under net_lock */
static bool come;      /* there may be a newer one; atomic */

/* A device was attached. Context: its driver's thread. */
static void device_came(void)
{
    __atomic_store_n(&come, true, __ATOMIC_RELEASE);
    io_engine_kick();
}

/* In the order of the devices, so that ip= is always about the same one. */
static void add(struct net_card *card)
{
    struct net_card **place = &net_card_list;

    while (*place != NULL && (*place)->dev->number < card->dev->number) {
        place = &(*place)->next;
    }
    card->next = *place;
    *place = card;
}

/* One that nobody uses. Errors: -ENOMEM, -ENODEV there is none. */
static int attach_one(struct net_card **out)
{
    struct net_card *card = heap_alloc(sizeof(*card));

    if (card == NULL) {
        return -ENOMEM;
    }
    memset(card, 0, sizeof(*card));
    card->dev = netdev_claim_next(&known, card, on_event, card);
    if (card->dev == NULL) {
        heap_free(card);
        return -ENODEV;
    }
    card->announced = card->dev->announce; /* its first address announces itself */
    netif_add(&card->netif, NULL, NULL, NULL, card, init_netif, ethernet_input);
    add(card);
    netif_set_default(&net_card_list->netif);
    *out = card;
    return 0;
}

int net_card_attach_all(void)
{
    struct net_card *card;
    int r;

    netdev_watch(device_came);
    netdev_at(0); /* looks for them */
    do {
        r = attach_one(&card);
    } while (r == 0);
    return r == -ENODEV ? 0 : r;
}

void net_card_attach_new(void)
{
    struct net_card *card;

    if (!__atomic_load_n(&come, __ATOMIC_RELAXED)) {
        return;
    }
    __atomic_store_n(&come, false, __ATOMIC_SEQ_CST);
    while (attach_one(&card) == 0) {
        net_config_card(card);
    }
}

/* ---- removal ---- */

struct net_card *net_card_removed;

void net_card_remove(struct net_card *card)
{
    struct net_card **place = &net_card_list;

    while (*place != card) {
        place = &(*place)->next;
    }
    *place = card->next;
    netif_poll(&card->netif); /* what it has sent to itself */
    dhcp_stop(&card->netif);
    dhcp_cleanup(&card->netif);
    netif_remove(&card->netif); /* connections from its addresses end */
    net_card_drop_queue(card);
    netif_set_default(net_card_list == NULL ? NULL : &net_card_list->netif);
    net_config_changed();
    card->next = net_card_removed;
    net_card_removed = card;
}

void net_card_free_removed(void)
{
    for (struct net_card **place = &net_card_removed; *place != NULL;) {
        struct net_card *card = *place;
        if (card->lent != 0) {
            place = &card->next;
            continue;
        }
        *place = card->next;
        netdev_unclaim(card->dev);
        heap_free(card);
    }
}
