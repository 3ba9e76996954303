/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling the network where this machine's addresses are, unasked: after it was moved to another
 * host, switches send to the old place, and whoever knew another card by these addresses keeps
 * sending to that. A gratuitous ARP (RFC 5227, 3), unsolicited neighbour advertisements (RFC 4861,
 * 7.2.6), and reports of the multicast groups, which switches listen to.
 */
#include "net_card.h"

#include <string.h>

#include <lwip/etharp.h>
#include <lwip/icmp6.h>
#include <lwip/igmp.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip6.h>
#include <lwip/mld6.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip/prot/nd6.h>

/* The target's address and our MAC as the one option; its length counts in eights. */
struct advertisement {
    struct na_header na;
    uint8_t type, length, mac[6];
};

_Static_assert(sizeof(struct advertisement) == 32, "RFC 4861, 4.4 and 4.6.1");

static void advertise(struct netif *netif, const ip6_addr_t *address)
{
    struct pbuf *p = pbuf_alloc(PBUF_IP, sizeof(struct advertisement), PBUF_RAM);
    ip6_addr_t all;

    if (p == NULL) {
        return;
    }
    struct advertisement *a = p->payload;
    memset(a, 0, sizeof(*a));
    a->na.type = ICMP6_TYPE_NA;
    a->na.flags = ND6_FLAG_OVERRIDE;
    ip6_addr_copy_to_packed(a->na.target_address, *address);
    a->type = ND6_OPTION_TYPE_TARGET_LLADDR;
    a->length = 1;
    memcpy(a->mac, netif->hwaddr, sizeof(a->mac));
    ip6_addr_set_allnodes_linklocal(&all);
    ip6_addr_assign_zone(&all, IP6_MULTICAST, netif);
    a->na.chksum = ip6_chksum_pseudo(p, IP6_NEXTH_ICMP6, p->tot_len, address, &all);
    ip6_output_if(p, address, &all, ND6_HOPLIM, 0, IP6_NEXTH_ICMP6, netif);
    pbuf_free(p);
}

void net_announce(struct netif *netif)
{
    if (!ip4_addr_isany(netif_ip4_addr(netif))) {
        etharp_gratuitous(netif);
    }
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i))) {
            advertise(netif, netif_ip6_addr(netif, i));
        }
    }
    igmp_report_groups(netif);
    mld6_report_groups(netif);
}
