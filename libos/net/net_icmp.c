/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMP errors (RFC 792, RFC 4443, 3): what the quoted packet was, and whose.
 *
 * Anybody can send such a message, so it counts only when the quoted packet is one that we may have
 * sent: the ends are those of a connection, and the sequence number of TCP is in flight (RFC 5927,
 * 4.1).
 */
#include "net_icmp.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <lwip/opt.h>

#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/icmp.h>
#include <lwip/prot/icmp6.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>
#include <lwip_hooks.h>

#define ICMP_HEADER 8u
#define QUOTE       8u /* bytes of TCP or UDP that are quoted at least: ports, sequence number */

static void (*listener)(const struct net_icmp_error *e);

void net_icmp_listen(void (*fn)(const struct net_icmp_error *e))
{
    listener = fn;
}

/* The packet of ours that the message is about. */
struct quoted {
    ip_addr_t local, remote;
    unsigned protocol;
    uint16_t local_port, remote_port;
    uint32_t seq; /* of TCP */
};

/* What icmp(7) and RFC 1122, 3.2.2.1 make of the codes of "destination unreachable". */
static int error_of(unsigned type, unsigned code, bool *fatal)
{
    *fatal = false;
    if (type == ICMP_TE) {
        return -EHOSTUNREACH;
    }
    if (type == ICMP_PP) {
        *fatal = true;
        return -EPROTO;
    }
    switch (code) {
    case ICMP_DUR_NET:
        return -ENETUNREACH;
    case ICMP_DUR_PROTO:
        *fatal = true;
        return -ENOPROTOOPT;
    case ICMP_DUR_PORT:
        *fatal = true;
        return -ECONNREFUSED;
    case ICMP_DUR_FRAG:
        return -EMSGSIZE;
    case 6: /* network unknown; 9, 11: prohibited, unreachable for this service (RFC 1122) */
    case 9:
    case 11:
        return -ENETUNREACH;
    default:
        return -EHOSTUNREACH;
    }
}

static int error_of6(unsigned type, unsigned code, bool *fatal)
{
    *fatal = false;
    if (type == ICMP6_TYPE_TE) {
        return -EHOSTUNREACH;
    }
    if (type == ICMP6_TYPE_PP) {
        *fatal = true;
        return -EPROTO;
    }
    switch (code) {
    case ICMP6_DUR_NO_ROUTE:
        return -ENETUNREACH;
    case ICMP6_DUR_PROHIBITED:
    case ICMP6_DUR_POLICY:
    case ICMP6_DUR_REJECT_ROUTE:
        return -EACCES;
    case ICMP6_DUR_PORT:
        *fatal = true;
        return -ECONNREFUSED;
    default:
        return -EHOSTUNREACH;
    }
}

static struct tcp_pcb *find_tcp(const struct quoted *q)
{
    struct tcp_pcb *pcb = net_tcp_find(&q->local, q->local_port, &q->remote, q->remote_port,
                                       netif_get_index(ip_current_input_netif()));

    if (pcb == NULL || pcb->state == TIME_WAIT) {
        return NULL;
    }
    bool in_flight = TCP_SEQ_LEQ(pcb->lastack, q->seq) && TCP_SEQ_LT(q->seq, pcb->snd_nxt);
    return in_flight ? pcb : NULL;
}

static struct udp_pcb *find_udp(const struct quoted *q)
{
    struct udp_pcb *pcb;

    for (pcb = udp_pcbs; pcb != NULL; pcb = pcb->next) {
        if ((pcb->flags & UDP_FLAGS_CONNECTED) != 0 && pcb->local_port == q->local_port &&
            pcb->remote_port == q->remote_port && ip_addr_eq(&pcb->remote_ip, &q->remote)) {
            return pcb;
        }
    }
    return NULL;
}

static void tell(const struct pbuf *p, unsigned at, struct quoted *q, int error, bool fatal)
{
    uint8_t head[QUOTE];
    struct net_icmp_error e = { .error = error, .fatal = fatal };

    if (listener == NULL ||
        pbuf_copy_partial(p, head, sizeof(head), (uint16_t)at) != sizeof(head)) {
        return;
    }
    q->local_port = (uint16_t)(head[0] << 8 | head[1]);
    q->remote_port = (uint16_t)(head[2] << 8 | head[3]);
    q->seq = (uint32_t)head[4] << 24 | (uint32_t)head[5] << 16 | (uint32_t)head[6] << 8 | head[7];
    if (q->protocol == IP_PROTO_TCP) {
        e.tcp = find_tcp(q);
    } else if (q->protocol == IP_PROTO_UDP) {
        e.udp = find_udp(q);
    }
    if (e.tcp != NULL || e.udp != NULL) {
        listener(&e);
    }
}

/* The loopback interface neither makes checksums nor looks at them. */
static bool checksum_holds(struct pbuf *p)
{
    const struct netif *in = ip_current_input_netif();
    return (in->chksum_flags & NETIF_CHECKSUM_CHECK_ICMP) == 0 || inet_chksum_pbuf(p) == 0;
}

void net_icmp4_error(struct pbuf *p)
{
    struct { struct icmp_hdr icmp; struct ip_hdr ip; } h;
    struct quoted q = { 0 };
    bool fatal;

    _Static_assert(sizeof(h) == ICMP_HEADER + IP_HLEN, "two headers without a gap");
    if (pbuf_copy_partial(p, &h, sizeof(h), 0) != sizeof(h) || IPH_V(&h.ip) != 4 ||
        IPH_HL_BYTES(&h.ip) < IP_HLEN || (IPH_OFFSET(&h.ip) & PP_HTONS(IP_OFFMASK)) != 0 ||
        !checksum_holds(p)) {
        return;
    }
    int error = error_of(h.icmp.type, h.icmp.code, &fatal);
    ip_addr_set_ip4_u32_val(q.local, h.ip.src.addr);
    ip_addr_set_ip4_u32_val(q.remote, h.ip.dest.addr);
    q.protocol = IPH_PROTO(&h.ip);
    tell(p, ICMP_HEADER + IPH_HL_BYTES(&h.ip), &q, error, fatal);
}

/* The quoted packet's upper header is taken only where it follows at once: we send it so. */
void net_icmp6_error(struct pbuf *p)
{
    struct { struct icmp6_hdr icmp; struct ip6_hdr ip; } h;
    struct quoted q = { 0 };
    bool fatal;

    _Static_assert(sizeof(h) == ICMP_HEADER + IP6_HLEN, "two headers without a gap");
    if (pbuf_copy_partial(p, &h, sizeof(h), 0) != sizeof(h) || IP6H_V(&h.ip) != 6) {
        return;
    }
    int error = error_of6(h.icmp.type, h.icmp.code, &fatal);
    ip_addr_copy_from_ip6_packed(q.local, h.ip.src);
    ip_addr_copy_from_ip6_packed(q.remote, h.ip.dest);
    ip6_addr_assign_zone(ip_2_ip6(&q.local), IP6_UNKNOWN, ip_current_input_netif());
    ip6_addr_assign_zone(ip_2_ip6(&q.remote), IP6_UNKNOWN, ip_current_input_netif());
    q.protocol = IP6H_NEXTH(&h.ip);
    tell(p, ICMP_HEADER + IP6_HLEN, &q, error, fatal);
}
