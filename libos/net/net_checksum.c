/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checksums in software for datagrams that a device would otherwise have finished: those that are
 * about to be cut into fragments.
 */
#include "net_card.h"

#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <lwip/prot/udp.h>
#include <lwip_hooks.h>

/* Put `sum` where the TCP or UDP header, `at` bytes into p, has it. */
static void store(struct pbuf *p, unsigned at, unsigned protocol, uint16_t sum)
{
    if (protocol == IP_PROTO_UDP && sum == 0) {
        sum = 0xffff; /* RFC 768: zero would mean that there is none */
    }
    pbuf_take_at(p, &sum, sizeof(sum), (uint16_t)(at + (protocol == IP_PROTO_TCP ? 16 : 6)));
}

static bool wanted(const struct netif *netif, const struct pbuf *p, unsigned at, unsigned protocol)
{
    unsigned flag = protocol == IP_PROTO_TCP ? NETIF_CHECKSUM_GEN_TCP : NETIF_CHECKSUM_GEN_UDP;
    uint8_t sum[2] = { 1, 1 };

    if ((protocol != IP_PROTO_TCP && protocol != IP_PROTO_UDP) ||
        (netif->chksum_flags & flag) != 0 || p->tot_len < at + 8) {
        return false;
    }
    pbuf_copy_partial(p, sum, 2, (uint16_t)(at + (protocol == IP_PROTO_TCP ? 16 : 6)));
    return sum[0] == 0 && sum[1] == 0;
}

void net_finish_checksum4(struct pbuf *p, const struct netif *netif)
{
    const struct ip_hdr *ip = p->payload;
    unsigned len = IPH_HL_BYTES(ip);
    unsigned protocol = IPH_PROTO(ip);
    ip4_addr_t src = { ip->src.addr }, dest = { ip->dest.addr };

    if (!wanted(netif, p, len, protocol) || pbuf_remove_header(p, len) != 0) {
        return;
    }
    uint16_t sum = inet_chksum_pseudo(p, (uint8_t)protocol, p->tot_len, &src, &dest);
    pbuf_add_header_force(p, len);
    store(p, len, protocol, sum);
}

void net_finish_checksum6(struct pbuf *p, const struct netif *netif)
{
    const struct ip6_hdr *ip = p->payload;
    unsigned protocol = IP6H_NEXTH(ip);
    ip6_addr_t src, dest;

    if (!wanted(netif, p, IP6_HLEN, protocol)) {
        return;
    }
    ip6_addr_copy_from_packed(src, ip->src);
    ip6_addr_copy_from_packed(dest, ip->dest);
    if (pbuf_remove_header(p, IP6_HLEN) != 0) {
        return;
    }
    uint16_t sum = ip6_chksum_pseudo(p, (uint8_t)protocol, p->tot_len, &src, &dest);
    pbuf_add_header_force(p, IP6_HLEN);
    store(p, IP6_HLEN, protocol, sum);
}
