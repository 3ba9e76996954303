/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket options of the levels IPPROTO_IP and IPPROTO_IPV6 (ip(7), ipv6(7)). */
#include "sock.h"

#include <errno.h>

/* IP options take an int, or a single byte (ip(7)). */
static int take(const void *value, socklen_t len, int *out)
{
    if (value == NULL) {
        return -EFAULT;
    }
    if (len >= 1 && len < sizeof(int)) {
        *out = *(const uint8_t *)value;
        return 0;
    }
    return sock_opt_int(value, len, out);
}

static bool is_multicast(int level, int name)
{
    if (name == MCAST_JOIN_GROUP || name == MCAST_LEAVE_GROUP) {
        return true;
    }
    if (level == IPPROTO_IP) {
        return name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP ||
               name == IP_MULTICAST_IF || name == IP_MULTICAST_TTL || name == IP_MULTICAST_LOOP;
    }
    return name == IPV6_ADD_MEMBERSHIP || name == IPV6_DROP_MEMBERSHIP ||
           name == IPV6_MULTICAST_IF || name == IPV6_MULTICAST_HOPS || name == IPV6_MULTICAST_LOOP;
}

static int set_v4(struct sock *s, int name, int v)
{
    switch (name) {
    case IP_TTL:
        if (v != -1 && (v < 1 || v > 255)) {
            return -EINVAL;
        }
        s->ttl = v == -1 ? 64 : (uint8_t)v;
        return 0;
    case IP_TOS:
        /* TCP keeps the ECN bits for itself. */
        s->tos = (uint8_t)(sock_is_tcp(s) ? v & ~3 : v);
        return 0;
    case IP_PKTINFO:
        s->pktinfo = v != 0;
        return 0;
    case IP_RECVTTL:
        s->recvttl = v != 0;
        return 0;
    case IP_RECVTOS:
        s->recvtos = v != 0;
        return 0;
    case IP_MTU_DISCOVER: /* without an effect here */
        return v < IP_PMTUDISC_DONT || v > 5 ? -EINVAL : 0;
    case IP_RECVERR:
    case IP_FREEBIND:
    case IP_BIND_ADDRESS_NO_PORT:
    case IP_MULTICAST_ALL:
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int set_v6(struct sock *s, int name, int v)
{
    switch (name) {
    case IPV6_V6ONLY:
        /* Before bind() or connect() only: the control block has a type then. */
        if (s->local.port != 0) {
            return -EINVAL;
        }
        s->v6only = v != 0;
        return 0;
    case IPV6_UNICAST_HOPS:
        if (v < -1 || v > 255) {
            return -EINVAL;
        }
        s->ttl = v == -1 ? 64 : (uint8_t)v;
        return 0;
    case IPV6_TCLASS:
        if (v < -1 || v > 255) {
            return -EINVAL;
        }
        s->tos = v == -1 ? 0 : (uint8_t)v;
        return 0;
    case IPV6_RECVPKTINFO:
        s->pktinfo6 = v != 0;
        return 0;
    case IPV6_RECVHOPLIMIT:
        s->recvttl6 = v != 0;
        return 0;
    case IPV6_RECVTCLASS:
        s->recvtos6 = v != 0;
        return 0;
    case IPV6_MTU_DISCOVER: /* without an effect here */
    case IPV6_RECVERR:
    case IPV6_DONTFRAG:
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

int sock_set_ip_option(struct sock *s, int level, int name, const void *value, socklen_t len)
{
    int v;
    if (is_multicast(level, name)) {
        return sock_is_tcp(s) ? -ENOPROTOOPT : sock_set_multicast(s, level, name, value, len);
    }
    int r = level == IPPROTO_IPV6 ? sock_opt_int(value, len, &v) : take(value, len, &v);
    if (r < 0) {
        return r;
    }
    return level == IPPROTO_IP ? set_v4(s, name, v) : set_v6(s, name, v);
}

static int get_v4(struct sock *s, int name, int *v)
{
    switch (name) {
    case IP_TTL:
        *v = s->ttl;
        return 0;
    case IP_TOS:
        *v = s->tos;
        return 0;
    case IP_PKTINFO:
        *v = s->pktinfo;
        return 0;
    case IP_RECVTTL:
        *v = s->recvttl;
        return 0;
    case IP_RECVTOS:
        *v = s->recvtos;
        return 0;
    case IP_MULTICAST_TTL:
        *v = s->mcast_ttl;
        return 0;
    case IP_MULTICAST_LOOP:
        *v = s->mcast_loop;
        return 0;
    case IP_MTU_DISCOVER:
        *v = IP_PMTUDISC_WANT;
        return 0;
    case IP_RECVERR:
    case IP_FREEBIND:
        *v = 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

int sock_get_ip_option(struct sock *s, int level, int name, int *v)
{
    if (level == IPPROTO_IP) {
        return get_v4(s, name, v);
    }
    switch (name) {
    case IPV6_V6ONLY:
        *v = s->v6only;
        return 0;
    case IPV6_UNICAST_HOPS:
        *v = s->ttl;
        return 0;
    case IPV6_TCLASS:
        *v = s->tos;
        return 0;
    case IPV6_RECVPKTINFO:
        *v = s->pktinfo6;
        return 0;
    case IPV6_RECVHOPLIMIT:
        *v = s->recvttl6;
        return 0;
    case IPV6_RECVTCLASS:
        *v = s->recvtos6;
        return 0;
    case IPV6_MULTICAST_HOPS:
        *v = s->mcast_ttl;
        return 0;
    case IPV6_MULTICAST_LOOP:
        *v = s->mcast_loop;
        return 0;
    case IPV6_MULTICAST_IF:
        *v = s->mcast_if;
        return 0;
    case IPV6_MTU_DISCOVER:
        *v = IP_PMTUDISC_WANT;
        return 0;
    case IPV6_RECVERR:
        *v = 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}
