/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The short way of a TCP segment from its connection to the card. Routes and neighbours are asked
 * for a connection's first segment; the frame that the layers below have made of it tells to whom
 * the next ones go, until something about the network changes (net_paths).
 *
 * IPv4 only: a neighbour of IPv6 is asked whether it still is there when it is used.
 */
#include "net_tcp_short.h"

#include <string.h>

#include <lwip/ip.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/ethernet.h>
#include <lwip/prot/ip4.h>
#include <lwip/stats.h>

#include <arch/checksum.h>

#define HEADERS (SIZEOF_ETH_HDR + IP_HLEN)

/*
 * Nobody but the other end can tell from a connection's ids what else this machine sends: they count
 * its own packets, from a random one on. A long segment uses as many as it has parts at most.
 */
static void fill_ip(struct ip_hdr *ip, struct tcp_pcb *pcb, uint16_t len)
{
    IPH_VHL_SET(ip, 4, IP_HLEN / 4);
    IPH_TOS_SET(ip, pcb->tos);
    IPH_LEN_SET(ip, lwip_htons(len));
    IPH_ID_SET(ip, lwip_htons(pcb->out_id));
    IPH_OFFSET_SET(ip, 0);
    IPH_TTL_SET(ip, pcb->ttl);
    IPH_PROTO_SET(ip, IP_PROTO_TCP);
    ip->src.addr = ip_2_ip4(&pcb->local_ip)->addr;
    ip->dest.addr = ip_2_ip4(&pcb->remote_ip)->addr;
    IPH_CHKSUM_SET(ip, 0);
    IPH_CHKSUM_SET(ip, (uint16_t)~checksum_of_20(ip));
    pcb->out_id = (uint16_t)(pcb->out_id + 1 + len / 512);
}

/* Whether the headers fit in front of p, in its own memory, and the packet need not be cut by IP. */
static bool fits(const struct pbuf *p, const struct netif *netif)
{
    return (p->type_internal & PBUF_TYPE_FLAG_STRUCT_DATA_CONTIGUOUS) != 0 &&
           (size_t)((const char *)p->payload - (const char *)p) >= sizeof(*p) + HEADERS &&
           (p->gso_size != 0 || p->tot_len + IP_HLEN <= netif->mtu) &&
           p->tot_len <= 0xffff - HEADERS;
}

/* The frame that was made of p, whose TCP header was at `tcp`, if one was made and has been sent. */
static void learn(struct tcp_pcb *pcb, const struct pbuf *p, const void *tcp, struct netif *netif)
{
    const struct eth_hdr *ethernet = p->payload;

    if ((const char *)tcp - (const char *)p->payload != HEADERS ||
        ethernet->type != PP_HTONS(ETHTYPE_IP)) {
        return; /* not to a neighbour by IPv4, or it waits for an address */
    }
    memcpy(pcb->out_mac, ethernet->dest.addr, sizeof(pcb->out_mac));
    pcb->out_id = (uint16_t)net_rand32();
    pcb->out_netif = netif;
    pcb->out_paths = net_paths;
}

static err_t long_way(struct tcp_pcb *pcb, struct pbuf *p, struct netif *netif)
{
    const void *tcp = p->payload;

    p->short_tcp = 0;
    NETIF_SET_HINTS(netif, &pcb->netif_hints);
    err_t err = ip_output_if(p, &pcb->local_ip, &pcb->remote_ip, pcb->ttl, pcb->tos, IP_PROTO_TCP,
                             netif);
    NETIF_RESET_HINTS(netif);
    if (err == ERR_OK) {
        learn(pcb, p, tcp, netif);
    }
    return err;
}

err_t net_tcp_short_output(struct tcp_pcb *pcb, struct pbuf *p, struct netif *netif)
{
    if (pcb->out_paths != net_paths || pcb->out_netif != netif || !fits(p, netif)) {
        return long_way(pcb, p, netif);
    }
    MIB2_STATS_INC(mib2.ipoutrequests);
    IP_STATS_INC(ip.xmit);
    struct eth_hdr *ethernet = (void *)((char *)p->payload - HEADERS);
    fill_ip((void *)(ethernet + 1), pcb, (uint16_t)(p->tot_len + IP_HLEN));
    memcpy(ethernet->dest.addr, pcb->out_mac, sizeof(pcb->out_mac));
    memcpy(ethernet->src.addr, netif->hwaddr, sizeof(ethernet->src.addr));
    ethernet->type = PP_HTONS(ETHTYPE_IP);
    p->short_tcp = ((const struct tcp_hdr *)p->payload)->chksum == 0;
    p->payload = ethernet;
    p->len = (uint16_t)(p->len + HEADERS);
    p->tot_len = (uint16_t)(p->tot_len + HEADERS);
    return netif->linkoutput(netif, p);
}
