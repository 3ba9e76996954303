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

#define HELD_FROM 512u /* bytes of data: shorter ones are rarely followed by more at once */

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

/* A segment of a connection, as it came. */
struct segment {
    struct tcp_pcb *pcb;
    uint32_t seq, ack;
    uint16_t wnd, len;
    int headers; /* bytes before its data */
};

static bool is_expected(const struct segment *s)
{
    const struct tcp_pcb *pcb = s->pcb;

    return pcb->state == ESTABLISHED && s->seq == pcb->rcv_nxt && s->len <= pcb->rcv_wnd &&
           s->ack - pcb->lastack <= pcb->snd_nxt - pcb->lastack &&
           (s->len != 0 || s->ack != pcb->lastack) &&
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
static bool data_adds_up(struct pbuf *p, const struct segment *s)
{
    int before = s->headers - TCP_HLEN;

    skip(p, before);
    uint16_t sum = ip_chksum_pseudo(p, IP_PROTO_TCP, p->tot_len, &s->pcb->remote_ip, &s->pcb->local_ip);
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

/* Long segments of one batch that follow each other: TCP takes them as one. */
static struct {
    struct segment s; /* len: of all together */
    struct pbuf *first, *last;
} held; /* under net_lock, empty between batches */

/* Of a connection whose packets are let through; false: the long way's. */
static bool read_segment(struct segment *s, const struct pbuf *p, const struct netif *netif)
{
    const struct eth_hdr *ethernet = p->payload;
    unsigned index = netif_get_index(netif);
    const struct tcp_hdr *tcp;

    if ((ethernet->dest.addr[0] & 1) != 0) {
        return false;
    }
    s->pcb = ethernet->type == PP_HTONS(ETHTYPE_IP)     ? find4(p, index, &tcp)
             : ethernet->type == PP_HTONS(ETHTYPE_IPV6) ? find6(p, index, &tcp)
                                                        : NULL;
    if (s->pcb == NULL || s->pcb->in_paths != net_paths || s->pcb->in_netif != index ||
        !is_plain(tcp)) {
        return false;
    }
    s->seq = lwip_ntohl(tcp->seqno);
    s->ack = lwip_ntohl(tcp->ackno);
    s->wnd = lwip_ntohs(tcp->wnd);
    s->headers = (int)((const char *)(tcp + 1) - (const char *)p->payload);
    s->len = (uint16_t)(p->tot_len - s->headers);
    return true;
}

/* Whether it is the next one behind what is held, and says nothing else. */
static bool continues(const struct segment *s)
{
    const struct segment *h = &held.s;

    return s->pcb == h->pcb && s->seq == h->seq + h->len && s->ack == h->ack && s->wnd == h->wnd &&
           s->len > 0 && h->len + s->len <= 0xffff && h->len + s->len <= (uint32_t)h->pcb->rcv_wnd;
}

static struct pbuf *end_of(struct pbuf *p)
{
    while (p->next != NULL) {
        p = p->next;
    }
    return p;
}

void net_tcp_short_flush(void)
{
    struct pbuf *first = held.first;
    uint16_t left = held.s.len;

    if (first == NULL) {
        return;
    }
    held.first = NULL;
    for (struct pbuf *q = first; q != NULL; q = q->next) {
        q->tot_len = left;
        left = (uint16_t)(left - q->len);
    }
    tcp_input_expected(held.s.pcb, first, held.s.seq, held.s.ack, held.s.wnd);
}

static void append(const struct segment *s, struct pbuf *p)
{
    TCP_STATS_INC(tcp.recv);
    TCP_STATS_INC(tcp.cachehit);
    MIB2_STATS_INC(mib2.tcpinsegs);
    skip(p, s->headers);
    held.last->next = p;
    held.last = end_of(p);
    held.s.len = (uint16_t)(held.s.len + s->len);
}

bool net_tcp_short_input(struct pbuf *p, const struct netif *netif, bool checked)
{
    struct segment s;
    bool found = read_segment(&s, p, netif);

    if (held.first != NULL) {
        if (found && continues(&s) && (checked || data_adds_up(p, &s))) {
            count(&s.pcb->remote_ip);
            append(&s, p);
            return true;
        }
        net_tcp_short_flush(); /* which may end connections */
        found = found && read_segment(&s, p, netif);
    }
    if (!found || !is_expected(&s) || !(checked || data_adds_up(p, &s))) {
        return false;
    }
    count(&s.pcb->remote_ip);
    skip(p, s.headers);
    if (s.len < HELD_FROM) {
        tcp_input_expected(s.pcb, p, s.seq, s.ack, s.wnd);
        return true;
    }
    held.s = s;
    held.first = p;
    held.last = end_of(p);
    return true;
}
