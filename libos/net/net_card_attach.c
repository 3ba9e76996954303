/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices become interfaces of lwIP. */
#include "net_card.h"

#include <errno.h>
#include <string.h>

#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/snmp.h>
#include <netif/ethernet.h>

#include <pith/heap.h>
#include <pith/iowait.h>

#define MTU_MAX 65521u /* with the Ethernet header 65535, what lwIP's lengths hold */

/* The device wants attention. Context: interrupt. */
static void on_event(struct netdev *dev)
{
    (void)dev;
    io_engine_kick();
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
    uint16_t sums = NETIF_CHECKSUM_ENABLE_ALL;
    if (dev->tx_csum) {
        sums &= (uint16_t)~(NETIF_CHECKSUM_GEN_TCP | NETIF_CHECKSUM_GEN_UDP);
    }
    NETIF_SET_CHECKSUM_CTRL(n, sums);
    MIB2_INIT_NETIF(n, snmp_ifType_ethernet_csmacd, 0);
    return ERR_OK;
}

int net_card_attach_all(void)
{
    struct net_card **tail = &net_card_list;
    struct netdev *dev;

    for (unsigned i = 0; (dev = netdev_at(i)) != NULL; i++) {
        struct net_card *card = heap_alloc(sizeof(*card));
        if (card == NULL) {
            return -ENOMEM;
        }
        memset(card, 0, sizeof(*card));
        card->dev = dev;
        if (netdev_claim(dev, card, on_event, card) != 0) {
            heap_free(card); /* the program drives it itself */
            continue;
        }
        netif_add(&card->netif, NULL, NULL, NULL, card, init_netif, ethernet_input);
        *tail = card;
        tail = &card->next;
        if (netif_default == NULL) {
            netif_set_default(&card->netif);
        }
    }
    return 0;
}
