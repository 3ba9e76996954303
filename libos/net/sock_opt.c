/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket options of all kinds: SOL_SOCKET (socket(7)). */
#include "sock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/time.h>

#include <lwip/ip.h>
#include <lwip/netif.h>

#define BUF_MIN 2304u /* as Linux has it for SO_RCVBUF, in doubled bytes */

int sock_opt_int(const void *value, socklen_t len, int *out)
{
    if (value == NULL) {
        return -EFAULT;
    }
    if (len < sizeof(int)) {
        return -EINVAL;
    }
    memcpy(out, value, sizeof(int));
    return 0;
}

int sock_opt_give(const void *from, size_t size, void *value, socklen_t *len)
{
    if (value == NULL || len == NULL) {
        return -EFAULT;
    }
    if ((int)*len < 0) {
        return -EINVAL;
    }
    socklen_t n = *len < size ? *len : (socklen_t)size;
    memcpy(value, from, n);
    *len = n;
    return 0;
}

/* struct timeval -> ns; EDOM as Linux for microseconds out of range. */
static int set_timeout(const void *value, socklen_t len, uint64_t *out)
{
    struct timeval tv;
    if (value == NULL) {
        return -EFAULT;
    }
    if (len < sizeof(tv)) {
        return -EINVAL;
    }
    memcpy(&tv, value, sizeof(tv));
    if (tv.tv_usec < 0 || tv.tv_usec >= 1000000) {
        return -EDOM;
    }
    if (tv.tv_sec < 0) {
        *out = 1; /* Linux: do not wait at all */
        return 0;
    }
    *out = tv.tv_sec > 1000000000 ? 0
                                  : (uint64_t)tv.tv_sec * 1000000000ull +
                                        (uint64_t)tv.tv_usec * 1000ull;
    return 0;
}

static int set_linger(struct sock *s, const void *value, socklen_t len)
{
    struct linger l;
    if (value == NULL) {
        return -EFAULT;
    }
    if (len < sizeof(l)) {
        return -EINVAL;
    }
    memcpy(&l, value, sizeof(l));
    s->linger = l.l_onoff != 0;
    s->linger_seconds = l.l_linger < 0 ? 0x7fffffff : l.l_linger;
    return 0;
}

/* What the program asks for is room for data; twice that is told, as on Linux. */
static uint32_t buffer_size(int asked, uint32_t least)
{
    uint32_t n = asked < 0 ? SOCK_BUF_MAX : (uint32_t)asked;
    n = n > SOCK_BUF_MAX ? SOCK_BUF_MAX : n;
    return n < least / 2 ? least / 2 : n;
}

static void set_flag(struct sock *s, uint8_t flag, int on)
{
    s->so_options = (uint8_t)(on != 0 ? s->so_options | flag : s->so_options & ~flag);
}

static int bind_to_device(struct sock *s, const void *value, socklen_t len)
{
    char name[16] = "";
    memcpy(name, value, len < sizeof(name) - 1 ? len : sizeof(name) - 1);
    if (name[0] == '\0') {
        s->netif = 0;
        return 0;
    }
    struct netif *n;
    NETIF_FOREACH(n) {
        char its[8];
        if (strcmp(netif_index_to_name(netif_get_index(n), its) != NULL ? its : "", name) == 0) {
            s->netif = netif_get_index(n);
            return 0;
        }
    }
    return -ENODEV;
}

static int set_socket_option(struct sock *s, int name, const void *value, socklen_t len)
{
    int v, r;
    switch (name) {
    case SO_LINGER:
        return set_linger(s, value, len);
    case SO_RCVTIMEO:
        return set_timeout(value, len, &s->rcvtimeo_ns);
    case SO_SNDTIMEO:
        return set_timeout(value, len, &s->sndtimeo_ns);
    case SO_BINDTODEVICE:
        return value == NULL ? -EFAULT : bind_to_device(s, value, len);
    default:
        break;
    }
    if ((r = sock_opt_int(value, len, &v)) < 0) {
        return r;
    }
    switch (name) {
    case SO_REUSEADDR:
        set_flag(s, SOCK_OPT_REUSEADDR, v);
        return 0;
    case SO_REUSEPORT:
        set_flag(s, SOCK_OPT_REUSEPORT, v);
        return 0;
    case SO_KEEPALIVE:
        set_flag(s, SOF_KEEPALIVE, v);
        return 0;
    case SO_BROADCAST:
        set_flag(s, SOF_BROADCAST, v);
        return 0;
    case SO_RCVBUF:
    case SO_RCVBUFFORCE:
        s->rcvbuf = buffer_size(v, BUF_MIN);
        return 0;
    case SO_SNDBUF:
    case SO_SNDBUFFORCE:
        s->sndbuf = buffer_size(v, 2 * BUF_MIN);
        return 0;
    case SO_RCVLOWAT:
        s->rcvlowat = v <= 0 ? 1 : (uint32_t)v;
        return 0;
    case SO_DEBUG:      /* without an effect here */
    case SO_DONTROUTE:
    case SO_OOBINLINE:
    case SO_NO_CHECK:
    case SO_PRIORITY:
    case SO_INCOMING_CPU:
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

int sock_setsockopt(struct sock *s, int level, int name, const void *value, socklen_t len)
{
    if (level == SOL_SOCKET) {
        return set_socket_option(s, name, value, len);
    }
    if (level == IPPROTO_IP || (level == IPPROTO_IPV6 && s->domain == AF_INET6)) {
        return sock_set_ip_option(s, level, name, value, len);
    }
    return -ENOPROTOOPT;
}

static int give_timeout(uint64_t ns, void *value, socklen_t *len)
{
    struct timeval tv = { .tv_sec = (time_t)(ns / 1000000000u),
                          .tv_usec = (suseconds_t)(ns % 1000000000u / 1000u) };
    return sock_opt_give(&tv, sizeof(tv), value, len);
}

/* An option of SOL_SOCKET that is an int; -ENOPROTOOPT. */
static int get_int(struct sock *s, int name, int *out)
{
    switch (name) {
    case SO_REUSEADDR:
        *out = (s->so_options & SOCK_OPT_REUSEADDR) != 0;
        return 0;
    case SO_REUSEPORT:
        *out = (s->so_options & SOCK_OPT_REUSEPORT) != 0;
        return 0;
    case SO_KEEPALIVE:
        *out = (s->so_options & SOF_KEEPALIVE) != 0;
        return 0;
    case SO_BROADCAST:
        *out = (s->so_options & SOF_BROADCAST) != 0;
        return 0;
    case SO_RCVBUF:
        *out = (int)(2 * s->rcvbuf);
        return 0;
    case SO_SNDBUF:
        *out = (int)(2 * s->sndbuf);
        return 0;
    case SO_RCVLOWAT:
        *out = (int)s->rcvlowat;
        return 0;
    case SO_SNDLOWAT:
        *out = 1;
        return 0;
    case SO_TYPE:
        *out = s->type;
        return 0;
    case SO_DOMAIN:
        *out = s->domain;
        return 0;
    case SO_PROTOCOL:
        *out = s->protocol;
        return 0;
    case SO_ERROR:
        *out = -sock_take_error(s);
        return 0;
    case SO_ACCEPTCONN:
    case SO_DEBUG:
    case SO_DONTROUTE:
    case SO_OOBINLINE:
    case SO_NO_CHECK:
    case SO_PRIORITY:
    case SO_INCOMING_CPU:
        *out = 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

int sock_getsockopt(struct sock *s, int level, int name, void *value, socklen_t *len)
{
    int v = 0, r = -ENOPROTOOPT;
    if (level == SOL_SOCKET) {
        switch (name) {
        case SO_LINGER: {
            struct linger l = { s->linger, s->linger_seconds };
            return sock_opt_give(&l, sizeof(l), value, len);
        }
        case SO_RCVTIMEO:
            return give_timeout(s->rcvtimeo_ns, value, len);
        case SO_SNDTIMEO:
            return give_timeout(s->sndtimeo_ns, value, len);
        default:
            r = get_int(s, name, &v);
        }
    } else if (level == IPPROTO_IP || (level == IPPROTO_IPV6 && s->domain == AF_INET6)) {
        r = sock_get_ip_option(s, level, name, &v);
    } else if (s->domain == AF_INET) {
        r = -EOPNOTSUPP; /* as Linux says of a level that there isn't, when asked and not told */
    }
    return r < 0 ? r : sock_opt_give(&v, sizeof(v), value, len);
}
