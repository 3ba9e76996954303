/* SPDX-License-Identifier: BSD-2-Clause */
/* Multicast options: groups and how to send to them (ip(7), ipv6(7)). */
#include "sock.h"

#include <errno.h>
#include <string.h>

#include <lwip/igmp.h>
#include <lwip/ip.h>
#include <lwip/mld6.h>
#include <lwip/netif.h>

#include <pith/heap.h>

/* A group that a socket is in; under net_lock. */
struct sock_group {
    struct sock_group *next;
    ip_addr_t addr;
    uint8_t netif;
};

static struct netif *netif_of_address(uint32_t addr)
{
    struct netif *n;
    NETIF_FOREACH(n) {
        if (netif_ip4_addr(n)->addr == addr) {
            return n;
        }
    }
    return NULL;
}

/* The interface of a request: by index, by address, by route, or the first. */
static struct netif *choose_netif(unsigned index, uint32_t addr, const ip_addr_t *group)
{
    if (index != 0) {
        return index < 256 ? netif_get_by_index((u8_t)index) : NULL;
    }
    if (addr != 0) {
        return netif_of_address(addr);
    }
    ip_addr_t any;
    ip_addr_set_any(IP_IS_V6(group), &any);
    struct netif *n = ip_route(&any, group);
    return n != NULL ? n : netif_list;
}

static err_t join(struct netif *n, const ip_addr_t *group)
{
    if (IP_IS_V4(group)) {
        return (n->flags & NETIF_FLAG_IGMP) != 0 ? igmp_joingroup_netif(n, ip_2_ip4(group))
                                                 : ERR_OK;
    }
    return mld6_joingroup_netif(n, ip_2_ip6(group));
}

static void leave(const struct sock_group *g)
{
    struct netif *n = netif_get_by_index(g->netif);
    if (n != NULL && IP_IS_V4_VAL(g->addr)) {
        igmp_leavegroup_netif(n, ip_2_ip4(&g->addr));
    } else if (n != NULL) {
        mld6_leavegroup_netif(n, ip_2_ip6(&g->addr));
    }
}

static int add_group(struct sock *s, const ip_addr_t *group, struct netif *n)
{
    if (!ip_addr_ismulticast(group)) {
        return -EINVAL;
    }
    if (n == NULL) {
        return -ENODEV;
    }
    for (struct sock_group *g = s->groups; g != NULL; g = g->next) {
        if (g->netif == netif_get_index(n) && ip_addr_eq(&g->addr, group)) {
            return -EADDRINUSE;
        }
    }
    struct sock_group *g = heap_alloc(sizeof(*g));
    if (g == NULL || join(n, group) != ERR_OK) {
        heap_free(g);
        return -ENOBUFS;
    }
    ip_addr_copy(g->addr, *group);
    g->netif = netif_get_index(n);
    g->next = s->groups;
    s->groups = g;
    return 0;
}

static int drop_group(struct sock *s, const ip_addr_t *group, uint8_t netif)
{
    if (!ip_addr_ismulticast(group)) {
        return -EINVAL;
    }
    for (struct sock_group **at = &s->groups; *at != NULL; at = &(*at)->next) {
        struct sock_group *g = *at;
        if (ip_addr_eq(&g->addr, group) && (netif == 0 || g->netif == netif)) {
            *at = g->next;
            leave(g);
            heap_free(g);
            return 0;
        }
    }
    return -EADDRNOTAVAIL;
}

void sock_leave_groups(struct sock *s)
{
    while (s->groups != NULL) {
        struct sock_group *g = s->groups;
        s->groups = g->next;
        leave(g);
        heap_free(g);
    }
}

static int change(struct sock *s, bool add, const ip_addr_t *group, unsigned index, uint32_t addr)
{
    if (add) {
        return add_group(s, group, choose_netif(index, addr, group));
    }
    struct netif *n = index != 0 || addr != 0 ? choose_netif(index, addr, group) : NULL;
    return drop_group(s, group, n != NULL ? netif_get_index(n) : 0);
}

static int membership_v4(struct sock *s, bool add, const void *value, socklen_t len)
{
    struct ip_mreqn m = { .imr_ifindex = 0 };
    if (value == NULL) {
        return -EFAULT;
    }
    if (len < sizeof(struct ip_mreq)) {
        return -EINVAL;
    }
    memcpy(&m, value, len < sizeof(m) ? sizeof(struct ip_mreq) : sizeof(m));
    ip_addr_t group = IPADDR4_INIT(m.imr_multiaddr.s_addr);
    return change(s, add, &group, (unsigned)m.imr_ifindex, m.imr_address.s_addr);
}

static void group_v6(const struct in6_addr *addr, ip_addr_t *group)
{
    ip_addr_set_zero_ip6(group);
    memcpy(ip_2_ip6(group)->addr, addr, sizeof(*addr));
}

static int membership_v6(struct sock *s, bool add, const void *value, socklen_t len)
{
    struct ipv6_mreq m;
    if (value == NULL) {
        return -EFAULT;
    }
    if (len < sizeof(m)) {
        return -EINVAL;
    }
    memcpy(&m, value, sizeof(m));
    ip_addr_t group;
    group_v6(&m.ipv6mr_multiaddr, &group);
    return change(s, add, &group, m.ipv6mr_interface, 0);
}

static int membership_any(struct sock *s, bool add, const void *value, socklen_t len)
{
    struct group_req m;
    ip_addr_t group;
    if (value == NULL) {
        return -EFAULT;
    }
    if (len < sizeof(m)) {
        return -EINVAL;
    }
    memcpy(&m, value, sizeof(m));
    if (m.gr_group.ss_family == AF_INET) {
        struct sockaddr_in sin;
        memcpy(&sin, &m.gr_group, sizeof(sin));
        ip_addr_set_zero_ip4(&group);
        ip_2_ip4(&group)->addr = sin.sin_addr.s_addr;
    } else if (m.gr_group.ss_family == AF_INET6) {
        struct sockaddr_in6 sin6;
        memcpy(&sin6, &m.gr_group, sizeof(sin6));
        group_v6(&sin6.sin6_addr, &group);
    } else {
        return -EADDRNOTAVAIL;
    }
    return change(s, add, &group, m.gr_interface, 0);
}

/* IP_MULTICAST_IF takes an address, a struct ip_mreq or a struct ip_mreqn. */
static int set_if_v4(struct sock *s, const void *value, socklen_t len)
{
    struct ip_mreqn m = { .imr_ifindex = 0 };
    if (len < sizeof(struct in_addr)) {
        return -EINVAL;
    }
    if (len >= sizeof(struct ip_mreq)) {
        memcpy(&m, value, len < sizeof(m) ? sizeof(struct ip_mreq) : sizeof(m));
    } else {
        memcpy(&m.imr_address, value, sizeof(m.imr_address));
    }
    if (m.imr_ifindex == 0 && m.imr_address.s_addr == 0) {
        s->mcast_if = 0;
        return 0;
    }
    struct netif *n = m.imr_ifindex != 0 ? netif_get_by_index((u8_t)m.imr_ifindex)
                                         : netif_of_address(m.imr_address.s_addr);
    if (n == NULL) {
        return m.imr_ifindex != 0 ? -ENODEV : -EADDRNOTAVAIL;
    }
    s->mcast_if = netif_get_index(n);
    return 0;
}

static int set_how(struct sock *s, bool v6, int name, const void *value, socklen_t len)
{
    int v = 0;
    if (value == NULL) {
        return -EFAULT;
    }
    if (!v6 && name == IP_MULTICAST_IF) {
        return set_if_v4(s, value, len);
    }
    if (!v6 && len >= 1 && len < sizeof(int)) {
        v = *(const uint8_t *)value;
    } else if (sock_opt_int(value, len, &v) < 0) {
        return -EINVAL;
    }
    if (v6 && name == IPV6_MULTICAST_IF) {
        if (v != 0 && (v < 0 || v > 255 || netif_get_by_index((u8_t)v) == NULL)) {
            return -ENODEV;
        }
        s->mcast_if = (uint8_t)v;
    } else if (name == (v6 ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL)) {
        if (v < -1 || v > 255) {
            return -EINVAL;
        }
        s->mcast_ttl = v == -1 ? 1 : (uint8_t)v;
    } else {
        s->mcast_loop = v != 0;
    }
    return 0;
}

int sock_set_multicast(struct sock *s, int level, int name, const void *value, socklen_t len)
{
    if (name == MCAST_JOIN_GROUP || name == MCAST_LEAVE_GROUP) {
        return membership_any(s, name == MCAST_JOIN_GROUP, value, len);
    }
    if (level == IPPROTO_IP) {
        if (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP) {
            return membership_v4(s, name == IP_ADD_MEMBERSHIP, value, len);
        }
        return set_how(s, false, name, value, len);
    }
    if (name == IPV6_ADD_MEMBERSHIP || name == IPV6_DROP_MEMBERSHIP) {
        return membership_v6(s, name == IPV6_ADD_MEMBERSHIP, value, len);
    }
    return set_how(s, true, name, value, len);
}
