/* SPDX-License-Identifier: BSD-2-Clause */
/* What the network is like now: lwIP's interfaces and name servers, for those who do not know lwIP. */
#include <pith/netinfo.h>

#include <string.h>

#include <lwip/opt.h>

#include <lwip/dns.h>
#include <lwip/netif.h>

#include <net/if.h>

#include "net.h"
#include "net_card.h"

_Static_assert(1 + LWIP_IPV6_NUM_ADDRESSES <= NET_IF_ADDRS, "all addresses of an interface fit");

_Static_assert(sizeof(((struct netdev *)0)->name) <= NET_IF_NAME, "a device's name fits");

static bool is_loopback(const struct netif *n)
{
    return net_card_of(n) == NULL;
}

static unsigned flags_of(const struct netif *n)
{
    unsigned flags = 0;
    flags |= netif_is_up(n) ? IFF_UP : 0;
    if (is_loopback(n)) {
        return flags | IFF_LOOPBACK | IFF_RUNNING | IFF_LOWER_UP;
    }
    flags |= netif_is_up(n) && netif_is_link_up(n) ? IFF_RUNNING | IFF_LOWER_UP : 0;
    flags |= (n->flags & NETIF_FLAG_BROADCAST) != 0 ? IFF_BROADCAST : 0;
    flags |= (n->flags & (NETIF_FLAG_IGMP | NETIF_FLAG_MLD6)) != 0 ? IFF_MULTICAST : 0;
    return flags;
}

static void add_addr(struct net_if *out, int family, const void *bytes, unsigned len, unsigned prefix)
{
    struct net_if_addr *a = &out->addrs[out->count++];
    a->family = family;
    a->prefix = prefix;
    memcpy(a->addr, bytes, len);
}

static void describe(struct netif *n, struct net_if *out)
{
    *out = (struct net_if){.index = netif_get_index(n), .flags = flags_of(n), .mtu = n->mtu};
    if (is_loopback(n)) {
        strcpy(out->name, "lo");
        out->mtu = 65536; /* as Linux has it; lwIP's has no limit of its own */
    } else {
        memcpy(out->name, net_card_of(n)->dev->name, sizeof(net_card_of(n)->dev->name));
    }
    memcpy(out->mac, n->hwaddr, n->hwaddr_len < sizeof(out->mac) ? n->hwaddr_len : sizeof(out->mac));
    if (!ip4_addr_isany(netif_ip4_addr(n))) {
        unsigned prefix = (unsigned)__builtin_popcount(netif_ip4_netmask(n)->addr);
        add_addr(out, AF_INET, netif_ip4_addr(n), 4, prefix);
    }
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        if (ip6_addr_isvalid(netif_ip6_addr_state(n, i))) {
            /* lwIP takes each prefix for one of 64 bits. */
            add_addr(out, AF_INET6, netif_ip6_addr(n, i)->addr, 16, is_loopback(n) ? 128 : 64);
        }
    }
}

bool net_if_next(unsigned index, struct net_if *out)
{
    struct netif *best = NULL, *n;
    if (net_start() != 0) {
        return false;
    }
    net_lock();
    NETIF_FOREACH(n) {
        if (netif_get_index(n) > index && (best == NULL || n->num < best->num)) {
            best = n;
        }
    }
    if (best != NULL) {
        describe(best, out);
    }
    net_unlock();
    return best != NULL;
}

/* lwIP's address as a socket address of port 53. */
static void as_server(const ip_addr_t *ip, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (IP_IS_V4(ip)) {
        struct sockaddr_in *sa = (struct sockaddr_in *)out;
        sa->sin_family = AF_INET;
        sa->sin_port = lwip_htons(53);
        sa->sin_addr.s_addr = ip_2_ip4(ip)->addr;
        return;
    }
    struct sockaddr_in6 *sa = (struct sockaddr_in6 *)out;
    sa->sin6_family = AF_INET6;
    sa->sin6_port = lwip_htons(53);
    memcpy(&sa->sin6_addr, ip_2_ip6(ip)->addr, 16);
    sa->sin6_scope_id = ip6_addr_zone(ip_2_ip6(ip));
}

unsigned net_dns_servers(struct sockaddr_storage *out, unsigned max)
{
    unsigned count = 0;
    if (net_start() != 0) {
        return 0;
    }
    net_wait_configured();
    net_lock();
    for (u8_t i = 0; i < DNS_MAX_SERVERS && count < max; i++) {
        const ip_addr_t *ip = dns_getserver(i);
        if (!ip_addr_isany(ip)) {
            as_server(ip, &out[count++]);
        }
    }
    net_unlock();
    return count;
}
