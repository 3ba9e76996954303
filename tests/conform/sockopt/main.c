/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket options: what they are at first, what they take, and what is refused. */
#define _GNU_SOURCE
#include "../conform.h"

#include <limits.h>

#define GET(fd, level, name) show_option(__LINE__, fd, level, name, #name)
#define SET(fd, level, name, value) \
    printf("%d: set " #name " to %d: %s\n", __LINE__, value, \
           set_int(fd, level, name, value) == 0 ? "0" : error_name(errno))

static void show_option(int line, int fd, int level, int name, const char *text)
{
    int value = -12345;
    socklen_t len = sizeof(value);
    if (getsockopt(fd, level, name, &value, &len) == 0) {
        printf("%d: %s is %d (%d bytes)\n", line, text, value, (int)len);
    } else {
        printf("%d: %s: %s\n", line, text, error_name(errno));
    }
}

static void common(int fd)
{
    GET(fd, SOL_SOCKET, SO_TYPE);
    GET(fd, SOL_SOCKET, SO_DOMAIN);
    GET(fd, SOL_SOCKET, SO_PROTOCOL);
    GET(fd, SOL_SOCKET, SO_ERROR);
    GET(fd, SOL_SOCKET, SO_ACCEPTCONN);
    GET(fd, SOL_SOCKET, SO_REUSEADDR);
    GET(fd, SOL_SOCKET, SO_REUSEPORT);
    GET(fd, SOL_SOCKET, SO_KEEPALIVE);
    GET(fd, SOL_SOCKET, SO_BROADCAST);
    GET(fd, SOL_SOCKET, SO_OOBINLINE);
    GET(fd, SOL_SOCKET, SO_RCVLOWAT);
    SET(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    GET(fd, SOL_SOCKET, SO_REUSEADDR);
    SET(fd, SOL_SOCKET, SO_REUSEADDR, 0);
    GET(fd, SOL_SOCKET, SO_REUSEADDR);
    SET(fd, SOL_SOCKET, SO_REUSEPORT, 7);
    GET(fd, SOL_SOCKET, SO_REUSEPORT);
    SET(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    GET(fd, SOL_SOCKET, SO_KEEPALIVE);
    SET(fd, SOL_SOCKET, SO_BROADCAST, 1);
    GET(fd, SOL_SOCKET, SO_BROADCAST);
    SAY("read-only ones");
    SET(fd, SOL_SOCKET, SO_TYPE, 1);
    SET(fd, SOL_SOCKET, SO_ERROR, 1);
    SET(fd, SOL_SOCKET, SO_ACCEPTCONN, 1);
    SET(fd, SOL_SOCKET, SO_DOMAIN, 1);
    SAY("unknown ones");
    GET(fd, SOL_SOCKET, 9999);
    SET(fd, SOL_SOCKET, 9999, 1);
    SET(fd, 9999, 1, 1);
    SAY("lengths");
    int value = 1;
    socklen_t len = 0;
    CALL(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, 3));
    CALL(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, 0));
    CALL(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value)));
    len = 2;
    value = -1;
    CALL(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, &len));
    SHOW(len);
    SHOW(value);
    char wide[64];
    len = sizeof(wide);
    CALL(getsockopt(fd, SOL_SOCKET, SO_TYPE, wide, &len));
    SHOW(len);
    len = (socklen_t)-1;
    CALL(getsockopt(fd, SOL_SOCKET, SO_TYPE, wide, &len));
}

/* Sizes of buffers are doubled, as Linux does for its own bookkeeping. */
static void buffers(int fd)
{
    SAY("buffers");
    IS(get_int(fd, SOL_SOCKET, SO_RCVBUF) >= 16384);
    IS(get_int(fd, SOL_SOCKET, SO_SNDBUF) >= 16384);
    SET(fd, SOL_SOCKET, SO_RCVBUF, 40000);
    GET(fd, SOL_SOCKET, SO_RCVBUF);
    SET(fd, SOL_SOCKET, SO_SNDBUF, 40000);
    GET(fd, SOL_SOCKET, SO_SNDBUF);
    SET(fd, SOL_SOCKET, SO_RCVBUF, 1);
    IS(get_int(fd, SOL_SOCKET, SO_RCVBUF) > 1000); /* there is a least size */
    SET(fd, SOL_SOCKET, SO_SNDBUF, 1);
    IS(get_int(fd, SOL_SOCKET, SO_SNDBUF) > 1000);
}

static void times(int fd)
{
    struct timeval t = {-1, -1};
    socklen_t len = sizeof(t);
    SAY("times");
    CALL(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, &len));
    SHOW(len);
    SHOW(t.tv_sec);
    SHOW(t.tv_usec);
    t = (struct timeval){2, 500000};
    CALL(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
    CALL(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)));
    t = (struct timeval){0, 0};
    CALL(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, &len));
    SHOW(t.tv_sec);
    SHOW(t.tv_usec);
    t = (struct timeval){0, 1000000};
    CALL(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
    t = (struct timeval){0, -1};
    CALL(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
    CALL(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, 4));
    t = (struct timeval){-5, 0};
    CALL(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t))); /* negative: none */
    CALL(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, &len));
    SHOW(t.tv_sec);
}

static void linger(int fd)
{
    struct linger l = {-1, -1};
    socklen_t len = sizeof(l);
    SAY("linger");
    CALL(getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len));
    SHOW(len);
    SHOW(l.l_onoff);
    SHOW(l.l_linger);
    l = (struct linger){1, 10};
    CALL(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
    CALL(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, 4));
    l = (struct linger){0, 0};
    CALL(getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len));
    SHOW(l.l_onoff);
    SHOW(l.l_linger);
}

static void tcp(int fd)
{
    SAY("TCP");
    GET(fd, IPPROTO_TCP, TCP_NODELAY);
    SET(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    GET(fd, IPPROTO_TCP, TCP_NODELAY);
    GET(fd, IPPROTO_TCP, TCP_CORK);
    SET(fd, IPPROTO_TCP, TCP_CORK, 1);
    GET(fd, IPPROTO_TCP, TCP_CORK);
    GET(fd, IPPROTO_TCP, TCP_KEEPIDLE);
    GET(fd, IPPROTO_TCP, TCP_KEEPINTVL);
    GET(fd, IPPROTO_TCP, TCP_KEEPCNT);
    SET(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
    SET(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    SET(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
    GET(fd, IPPROTO_TCP, TCP_KEEPIDLE);
    GET(fd, IPPROTO_TCP, TCP_KEEPINTVL);
    GET(fd, IPPROTO_TCP, TCP_KEEPCNT);
    SET(fd, IPPROTO_TCP, TCP_KEEPIDLE, 0);
    SET(fd, IPPROTO_TCP, TCP_KEEPIDLE, 100000);
    SET(fd, IPPROTO_TCP, TCP_KEEPINTVL, 0);
    SET(fd, IPPROTO_TCP, TCP_KEEPCNT, 0);
    SET(fd, IPPROTO_TCP, TCP_KEEPCNT, 128);
    SET(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
    SET(fd, IPPROTO_TCP, TCP_QUICKACK, 1);
    GET(fd, IPPROTO_TCP, TCP_USER_TIMEOUT);
    SET(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
    GET(fd, IPPROTO_TCP, TCP_USER_TIMEOUT);
    GET(fd, IPPROTO_TCP, 9999);
    SET(fd, IPPROTO_TCP, 9999, 1);
    int p[2];
    tcp_pair(p);
    struct tcp_info info;
    socklen_t len = sizeof(info);
    CALL(getsockopt(p[0], IPPROTO_TCP, TCP_INFO, &info, &len));
    SHOW(info.tcpi_state);
    IS(get_int(p[0], IPPROTO_TCP, TCP_MAXSEG) > 500);
    GET(p[0], SOL_SOCKET, SO_ERROR);
    close(p[0]);
    close(p[1]);
}

static void ip(int fd)
{
    SAY("IPv4");
    GET(fd, IPPROTO_IP, IP_TTL);
    SET(fd, IPPROTO_IP, IP_TTL, 10);
    GET(fd, IPPROTO_IP, IP_TTL);
    SET(fd, IPPROTO_IP, IP_TTL, 0);
    SET(fd, IPPROTO_IP, IP_TTL, 256);
    SET(fd, IPPROTO_IP, IP_TTL, -1);
    GET(fd, IPPROTO_IP, IP_TTL);
    GET(fd, IPPROTO_IP, IP_TOS);
    SET(fd, IPPROTO_IP, IP_TOS, 0x10);
    GET(fd, IPPROTO_IP, IP_TOS);
    GET(fd, IPPROTO_IP, 9999);
    SET(fd, IPPROTO_IP, 9999, 1);
}

static void ipv6(int fd)
{
    SAY("IPv6");
    GET(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    SET(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    GET(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    GET(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS);
    SET(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 20);
    GET(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS);
    SET(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 256);
    SET(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, -1);
    GET(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS);
    struct sockaddr_in6 a = v6_loopback(0);
    CALL(bind(fd, SA(a), sizeof(a)));
    SET(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
}

static void multicast(int fd)
{
    struct ip_mreq m = {.imr_multiaddr.s_addr = htonl(0xe0010203),
                        .imr_interface.s_addr = htonl(INADDR_LOOPBACK)};
    SAY("multicast");
    GET(fd, IPPROTO_IP, IP_MULTICAST_TTL);
    GET(fd, IPPROTO_IP, IP_MULTICAST_LOOP);
    SET(fd, IPPROTO_IP, IP_MULTICAST_TTL, 5);
    GET(fd, IPPROTO_IP, IP_MULTICAST_TTL);
    SET(fd, IPPROTO_IP, IP_MULTICAST_TTL, 256);
    SET(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
    GET(fd, IPPROTO_IP, IP_MULTICAST_LOOP);
    CALL(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)));
    CALL(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)));
    CALL(setsockopt(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof(m)));
    CALL(setsockopt(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof(m)));
    m.imr_multiaddr.s_addr = htonl(0x0a000001);
    CALL(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)));
    CALL(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, 3));
}

int main(void)
{
    begin();
    int t = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    int u = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    int t6 = (int)MUST(socket(AF_INET6, SOCK_STREAM, 0));
    SAY("TCP socket");
    common(t);
    buffers(t);
    times(t);
    linger(t);
    tcp(t);
    ip(t);
    SAY("UDP socket");
    common(u);
    buffers(u);
    ip(u);
    SET(u, IPPROTO_TCP, TCP_NODELAY, 1);
    multicast(u);
    SAY("IPv6 socket");
    common(t6);
    ipv6(t6);
    return end();
}
