/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The short way of a TCP segment from the card to its connection, past the layers in between.
 *
 * It is for what nearly all segments are: the next data of an established connection, an ACK of
 * data that is on its way, or both. Whether a packet with these addresses is for us at all depends
 * on the interfaces alone: a connection remembers that the long way has let one through, and that
 * holds as long as net_paths does. Whatever is not as expected goes the long way, untouched: all
 * errors are found, counted and answered there.
 */
#include "net_tcp_short.h"

#include <lwip/inet_chksum.h>
#include <lwip/nd6.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/ethernet.h>
#include <lwip/prot/ip.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <lwip/stats.h>

#include <arch/checksum.h>

#define HEADERS4 (SIZEOF_ETH_HDR + IP_HLEN + TCP_HLEN)
#define HEADERS6 (SIZEOF_ETH_HDR + IP6_HLEN + TCP_HLEN)

uint32_t net_paths = 1;

/* The connection of a packet by IPv4; *tcp is its TCP header. NULL: there is none, or it is not plain. */
static struct tcp_pcb *find4(const struct pbuf *p, unsigned index, const struct tcp_hdr **tcp)
{
    const struct ip_hdr *ip = (const void *)((const uint8_t *)p->payload + SIZEOF_ETH_HDR);

    if (p->len < HEADERS4 || ip->_v_hl != 0x45 || ip->_proto != IP_PROTO_TCP ||
        (ip->_offset & PP_HTONS(IP_MF | IP_OFFMASK)) != 0 ||
        lwip_ntohs(ip->_len) + SIZEOF_ETH_HDR != p->tot_len || checksum_of_20(ip) != 0xffff) {
        return NULL;
    }
    *tcp = (const void *)(ip + 1);
    return net_tcp_find4(ip->dest.addr, lwip_ntohs((*tcp)->dest), ip->src.addr,
                         lwip_ntohs((*tcp)->src), index);
}

/* The same by IPv6. Addresses of one link stay on the long way, which knows of which link they are. */
static struct tcp_pcb *find6(const struct pbuf *p, unsigned index, const struct tcp_hdr **tcp)
{
    const struct ip6_hdr *ip = (const void *)((const uint8_t *)p->payload + SIZEOF_ETH_HDR);
    ip_addr_t src, dest;

    if (p->len < HEADERS6 || IP6H_V(ip) != 6 || IP6H_NEXTH(ip) != IP6_NEXTH_TCP ||
        IP6H_PLEN(ip) + SIZEOF_ETH_HDR + IP6_HLEN != p->tot_len) {
        return NULL;
    }
    ip_addr_copy_from_ip6_packed(src, ip->src);
    ip_addr_copy_from_ip6_packed(dest, ip->dest);
    if (ip6_addr_has_scope(ip_2_ip6(&src), IP6_UNICAST) ||
        ip6_addr_has_scope(ip_2_ip6(&dest), IP6_UNICAST)) {
        return NULL;
    }
    *tcp = (const void *)(ip + 1);
    return net_tcp_find(&dest, lwip_ntohs((*tcp)->dest), &src, lwip_ntohs((*tcp)->src), index);
}

/* Five words of header; ACK, PSH or not, and no other flag. What is reserved says nothing. */
static bool is_plain(const struct tcp_hdr *tcp)
{
    const uint16_t looked_at = PP_HTONS(0xf000 | TCP_FLAGS) & (uint16_t)~PP_HTONS(TCP_PSH);

    return (tcp->_hdrlen_rsvd_flags & looked_at) == PP_HTONS(0x5000 | TCP_ACK);
}

static bool is_expected(const struct tcp_pcb *pcb, uint32_t seq, uint32_t ack, unsigned len)
{
    return pcb->state == ESTABLISHED && seq == pcb->rcv_nxt && len <= pcb->rcv_wnd &&
           ack - pcb->lastack <= pcb->snd_nxt - pcb->lastack && (len != 0 || ack != pcb->lastack) &&
           (pcb->flags & (TF_INFR | TF_RTO | TF_RXCLOSED | TF_CLOSEPEND | TF_FIN)) == 0 &&
           pcb->ooseq == NULL && pcb->refused_data == NULL && !LWIP_TCP_SACK_VALID(pcb, 0);
}

static void skip(struct pbuf *p, int n)
{
    p->payload = (char *)p->payload + n;
    p->len = (uint16_t)(p->len - n);
    p->tot_len = (uint16_t)(p->tot_len - n);
}

/* p begins with the frame's header, before and after. */
static bool data_adds_up(struct pbuf *p, int before, const struct tcp_pcb *pcb)
{
    skip(p, before);
    uint16_t sum = ip_chksum_pseudo(p, IP_PROTO_TCP, p->tot_len, &pcb->remote_ip, &pcb->local_ip);
    skip(p, -before);
    return sum == 0;
}

static void count(const ip_addr_t *src)
{
    if (IP_IS_V4(src)) {
        IP_STATS_INC(ip.recv);
        MIB2_STATS_INC(mib2.ipinreceives);
        MIB2_STATS_INC(mib2.ipindelivers);
    } else {
        IP6_STATS_INC(ip6.recv);
        nd6_reachability_hint(ip_2_ip6(src)); /* either there is data, or ours was acknowledged */
    }
}

bool net_tcp_short_input(struct pbuf *p, const struct netif *netif, bool checked)
{
    const struct eth_hdr *ethernet = p->payload;
    unsigned index = netif_get_index(netif);
    const struct tcp_hdr *tcp;
    struct tcp_pcb *pcb = NULL;

    if ((ethernet->dest.addr[0] & 1) == 0) {
        pcb = ethernet->type == PP_HTONS(ETHTYPE_IP)     ? find4(p, index, &tcp)
              : ethernet->type == PP_HTONS(ETHTYPE_IPV6) ? find6(p, index, &tcp)
                                                         : NULL;
    }
    if (pcb == NULL || pcb->in_paths != net_paths || pcb->in_netif != index || !is_plain(tcp)) {
        return false;
    }
    uint32_t seq = lwip_ntohl(tcp->seqno), ack = lwip_ntohl(tcp->ackno);
    uint16_t wnd = lwip_ntohs(tcp->wnd);
    int headers = (int)((const char *)(tcp + 1) - (const char *)p->payload);
    if (!is_expected(pcb, seq, ack, p->tot_len - (unsigned)headers) ||
        (!checked && !data_adds_up(p, headers - TCP_HLEN, pcb))) {
        return false;
    }
    count(&pcb->remote_ip);
    skip(p, headers);
    tcp_input_expected(pcb, p, seq, ack, wnd);
    return true;
}
