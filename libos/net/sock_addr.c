/* SPDX-License-Identifier: BSD-2-Clause */
/* Between sockaddr and lwIP's addresses, and which addresses are this machine's. */
#include "sock.h"

#include <errno.h>
#include <string.h>

#include <lwip/ip.h>
#include <lwip/netif.h>

#define SIN6_LEN_MIN 24 /* RFC 2133: without the scope id, which Linux takes too */

static void set_v4(ip_addr_t *ip, uint32_t addr)
{
    ip_addr_set_zero_ip4(ip);
    ip_2_ip4(ip)->addr = addr;
}

static int in_v6(const struct sock *s, const struct sockaddr_in6 *sin6, socklen_t len,
                 struct sock_end *out)
{
    if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
        if (s->v6only) {
            return -ENETUNREACH;
        }
        set_v4(&out->ip, sin6->sin6_addr.s6_addr32[3]);
        return 0;
    }
    ip_addr_set_zero_ip6(&out->ip);
    memcpy(ip_2_ip6(&out->ip)->addr, &sin6->sin6_addr, sizeof(sin6->sin6_addr));
    if (IN6_IS_ADDR_UNSPECIFIED(&sin6->sin6_addr)) {
        if (!s->v6only) {
            IP_SET_TYPE(&out->ip, IPADDR_TYPE_ANY);
        }
    } else if (len >= sizeof(*sin6) && sin6->sin6_scope_id != 0 && sin6->sin6_scope_id < 256 &&
               ip6_addr_has_scope(ip_2_ip6(&out->ip), IP6_UNKNOWN)) {
        ip6_addr_set_zone(ip_2_ip6(&out->ip), (u8_t)sin6->sin6_scope_id);
    }
    return 0;
}

int sock_addr_in(const struct sock *s, const struct sockaddr *addr, socklen_t len,
                 struct sock_end *out)
{
    memset(out, 0, sizeof(*out));
    if (addr == NULL) {
        return -EFAULT;
    }
    if (s->domain == AF_INET6) {
        struct sockaddr_in6 sin6 = { .sin6_family = 0 };
        if (len < SIN6_LEN_MIN) {
            return -EINVAL;
        }
        if (addr->sa_family != AF_INET6) {
            return -EAFNOSUPPORT;
        }
        memcpy(&sin6, addr, len < sizeof(sin6) ? len : sizeof(sin6));
        out->port = ntohs(sin6.sin6_port);
        return in_v6(s, &sin6, len, out);
    }
    struct sockaddr_in sin;
    if (len < sizeof(sin)) {
        return -EINVAL;
    }
    memcpy(&sin, addr, sizeof(sin));
    /* AF_UNSPEC with the wildcard is an old way to bind (ip(7)); Linux takes it too. */
    if (sin.sin_family != AF_INET &&
        !(sin.sin_family == AF_UNSPEC && sin.sin_addr.s_addr == INADDR_ANY)) {
        return -EAFNOSUPPORT;
    }
    out->port = ntohs(sin.sin_port);
    set_v4(&out->ip, sin.sin_addr.s_addr);
    return 0;
}

int sock_addr_peer(const struct sock *s, const struct sockaddr *addr, socklen_t len,
                   struct sock_end *out)
{
    struct sockaddr_in sin;
    bool foreign = s->domain == AF_INET6 && addr != NULL && len >= sizeof(sa_family_t) &&
                   addr->sa_family == AF_INET;
    int r = foreign ? 0 : sock_addr_in(s, addr, len, out);
    if (foreign) {
        if (s->v6only) {
            return -EAFNOSUPPORT;
        }
        if (len < sizeof(sin)) {
            return -EINVAL;
        }
        memcpy(&sin, addr, sizeof(sin));
        memset(out, 0, sizeof(*out));
        out->port = ntohs(sin.sin_port);
        set_v4(&out->ip, sin.sin_addr.s_addr);
    }
    if (r == 0 && IP_IS_V4_VAL(out->ip) && ip_addr_isany_val(out->ip)) {
        IP_ADDR4(&out->ip, 127, 0, 0, 1);
    } else if (r == 0 && (IP_IS_ANY_TYPE_VAL(out->ip) || ip_addr_isany_val(out->ip))) {
        IP_ADDR6(&out->ip, 0, 0, 0, PP_HTONL(1));
    }
    return r;
}

static void give(const void *from, socklen_t size, struct sockaddr *addr, socklen_t *len)
{
    memcpy(addr, from, *len < size ? *len : size);
    *len = size;
}

void sock_addr_out(const struct sock *s, const struct sock_end *end, struct sockaddr *addr,
                   socklen_t *len)
{
    if (addr == NULL || len == NULL) {
        return;
    }
    if (s->domain == AF_INET) {
        struct sockaddr_in sin = {
            .sin_family = AF_INET,
            .sin_port = htons(end->port),
            .sin_addr.s_addr = IP_IS_V4_VAL(end->ip) ? ip_2_ip4(&end->ip)->addr : 0,
        };
        give(&sin, sizeof(sin), addr, len);
        return;
    }
    struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(end->port) };
    if (IP_IS_V4_VAL(end->ip)) {
        sin6.sin6_addr.s6_addr32[2] = htonl(0xffff);
        sin6.sin6_addr.s6_addr32[3] = ip_2_ip4(&end->ip)->addr;
    } else if (IP_IS_V6_VAL(end->ip)) {
        memcpy(&sin6.sin6_addr, ip_2_ip6(&end->ip)->addr, sizeof(sin6.sin6_addr));
        if (ip6_addr_has_scope(ip_2_ip6(&end->ip), IP6_UNKNOWN)) {
            sin6.sin6_scope_id = ip6_addr_zone(ip_2_ip6(&end->ip));
        }
    }
    give(&sin6, sizeof(sin6), addr, len);
}

static bool same_v6(const ip6_addr_t *a, const ip6_addr_t *b)
{
    return memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

bool sock_addr_is_local(const ip_addr_t *ip)
{
    struct netif *n;
    if (ip_addr_isany(ip) || IP_IS_ANY_TYPE_VAL(*ip)) {
        return true;
    }
    NETIF_FOREACH(n) {
        if (IP_IS_V4(ip)) {
            if (ip4_addr_eq(ip_2_ip4(ip), netif_ip4_addr(n)) || sock_addr_is_loopback(ip)) {
                return true;
            }
            continue;
        }
        for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
            if (!ip6_addr_isinvalid(netif_ip6_addr_state(n, i)) &&
                same_v6(ip_2_ip6(ip), netif_ip6_addr(n, i))) {
                return true;
            }
        }
    }
    return false;
}

bool sock_addr_is_loopback(const ip_addr_t *ip)
{
    return IP_IS_V4(ip) ? (ip4_addr_isloopback(ip_2_ip4(ip)) != 0)
                        : (ip6_addr_isloopback(ip_2_ip6(ip)) != 0);
}

bool sock_addr_source(const ip_addr_t *dest, ip_addr_t *src)
{
    ip_addr_t any;
    ip_addr_set_any(IP_IS_V6(dest), &any);
    struct netif *n = ip_route(&any, dest);
    if (n == NULL) {
        return false;
    }
    const ip_addr_t *found = ip_netif_get_local_ip(n, dest);
    if (found == NULL) {
        return false;
    }
    ip_addr_copy(*src, *found);
    return true;
}

uint8_t sock_addr_type(const struct sock *s)
{
    return s->domain == AF_INET ? IPADDR_TYPE_V4 : s->v6only ? IPADDR_TYPE_V6 : IPADDR_TYPE_ANY;
}
