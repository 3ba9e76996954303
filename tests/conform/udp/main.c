/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP, call by call: sizes, flags, connected and not, refused, several at once. */
#define _GNU_SOURCE
#include "../conform.h"

#include <sys/ioctl.h>
#include <sys/uio.h>

static char buf[70000];

static void plain(void)
{
    uint16_t pa, pb;
    int a = bound(SOCK_DGRAM, &pa), b = bound(SOCK_DGRAM, &pb);
    struct sockaddr_in to = v4(INADDR_LOOPBACK, pb), from;
    socklen_t len = sizeof(from);
    int n = -1;
    SAY("datagrams");
    BITS(a);
    CALL(recv(a, buf, sizeof(buf), MSG_DONTWAIT));
    CALL(send(a, "x", 1, 0));
    CALL(write(a, "x", 1));
    CALL(sendto(a, "hello", 5, 0, SA(to), sizeof(to)));
    await(b, POLLIN);
    BITS(b);
    CALL(ioctl(b, FIONREAD, &n));
    SHOW(n);
    CALL(recv(b, buf, 2, MSG_PEEK));
    CALL(recv(b, buf, 2, MSG_PEEK | MSG_TRUNC));
    CALL(recvfrom(b, buf, sizeof(buf), 0, SA(from), &len));
    SHOW(len);
    IS(from.sin_port == htons(pa) && from.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    CALL(recv(b, buf, sizeof(buf), MSG_DONTWAIT));
    SAY("cut");
    CALL(sendto(a, "123456789", 9, 0, SA(to), sizeof(to)));
    CALL(sendto(a, "next", 4, 0, SA(to), sizeof(to)));
    await(b, POLLIN);
    CALL(recv(b, buf, 4, 0));
    CALL(recv(b, buf, sizeof(buf), 0));
    CALL(sendto(a, "123456789", 9, 0, SA(to), sizeof(to)));
    await(b, POLLIN);
    CALL(recv(b, buf, 4, MSG_TRUNC));
    CALL(sendto(a, "123456789", 9, 0, SA(to), sizeof(to)));
    await(b, POLLIN);
    struct iovec iov = {buf, 4};
    struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1};
    CALL(recvmsg(b, &m, 0));
    IS(m.msg_flags & MSG_TRUNC);
    SHOW(m.msg_namelen);
    SHOW(m.msg_controllen);
    SAY("nothing in it");
    CALL(sendto(a, "", 0, 0, SA(to), sizeof(to)));
    await(b, POLLIN);
    CALL(recv(b, buf, sizeof(buf), 0));
    BITS(b);
    SAY("the largest, and one more");
    set_int(b, SOL_SOCKET, SO_RCVBUF, 300000);
    set_int(a, SOL_SOCKET, SO_SNDBUF, 300000);
    CALL(sendto(a, buf, 65507, 0, SA(to), sizeof(to)));
    await(b, POLLIN);
    CALL(recv(b, buf, sizeof(buf), 0));
    CALL(sendto(a, buf, 65508, 0, SA(to), sizeof(to)));
    CALL(sendto(a, buf, sizeof(buf), 0, SA(to), sizeof(to)));
    SAY("addresses that are none");
    CALL(sendto(a, "x", 1, 0, SA(to), 3));
    to.sin_port = 0;
    CALL(sendto(a, "x", 1, 0, SA(to), sizeof(to)));
    to.sin_family = AF_UNIX;
    CALL(sendto(a, "x", 1, 0, SA(to), sizeof(to)));
    to = v4(INADDR_BROADCAST, pb);
    CALL(sendto(a, "x", 1, 0, SA(to), sizeof(to)));
    close(a);
    close(b);
}

static void connected(void)
{
    uint16_t pa, pb, pc;
    int a = bound(SOCK_DGRAM, &pa), b = bound(SOCK_DGRAM, &pb), c = bound(SOCK_DGRAM, &pc);
    struct sockaddr_in to = v4(INADDR_LOOPBACK, pb), other = v4(INADDR_LOOPBACK, pa), got;
    socklen_t len = sizeof(got);
    SAY("connected");
    CALL(getpeername(a, SA(got), &len));
    CALL(connect(a, SA(to), sizeof(to)));
    CALL(getpeername(a, SA(got), &len));
    IS(got.sin_port == htons(pb));
    CALL(send(a, "one", 3, 0));
    await(b, POLLIN);
    CALL(recv(b, buf, sizeof(buf), 0));
    CALL(sendto(c, "stranger", 8, 0, SA(other), sizeof(other))); /* is not let in */
    CALL(sendto(b, "friend", 6, 0, SA(other), sizeof(other)));
    await(a, POLLIN);
    CALL(recv(a, buf, sizeof(buf), 0));
    CALL(recv(a, buf, sizeof(buf), MSG_DONTWAIT));
    to = v4(INADDR_LOOPBACK, pc);
    CALL(sendto(a, "elsewhere", 9, 0, SA(to), sizeof(to)));
    await(c, POLLIN);
    CALL(recv(c, buf, sizeof(buf), 0));
    CALL(connect(a, SA(to), sizeof(to))); /* to somebody else */
    CALL(send(a, "two", 3, 0));
    await(c, POLLIN);
    CALL(recv(c, buf, sizeof(buf), 0));
    SAY("connected no more");
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    CALL(connect(a, &nobody, sizeof(nobody)));
    CALL(send(a, "x", 1, 0));
    CALL(getpeername(a, SA(got), &len));
    SAY("shut");
    CALL(connect(a, SA(to), sizeof(to)));
    CALL(shutdown(a, SHUT_WR));
    CALL(send(a, "x", 1, MSG_NOSIGNAL));
    BITS(a);
    CALL(shutdown(a, SHUT_RD));
    BITS(a);
    CALL(recv(a, buf, sizeof(buf), 0));
    close(a);
    close(b);
    close(c);
}

static void refused(void)
{
    uint16_t port;
    int gone = bound(SOCK_DGRAM, &port);
    struct sockaddr_in to = v4(INADDR_LOOPBACK, port);
    close(gone);
    int a = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    SAY("refused, connected");
    CALL(connect(a, SA(to), sizeof(to)));
    CALL(send(a, "x", 1, 0));
    await(a, POLLERR);
    BITS(a);
    CALL(recv(a, buf, sizeof(buf), MSG_DONTWAIT));
    BITS(a);
    CALL(recv(a, buf, sizeof(buf), MSG_DONTWAIT));
    CALL(send(a, "x", 1, 0));
    await(a, POLLERR);
    CALL(send(a, "x", 1, 0)); /* the error of the one before */
    CALL(send(a, "x", 1, 0));
    await(a, POLLERR);
    SO_ERR(a);
    SO_ERR(a);
    close(a);
    SAY("refused, not connected: nobody is told");
    a = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    CALL(sendto(a, "x", 1, 0, SA(to), sizeof(to)));
    settle();
    CALL(sendto(a, "x", 1, 0, SA(to), sizeof(to)));
    CALL(recv(a, buf, sizeof(buf), MSG_DONTWAIT));
    BITS(a);
    close(a);
}

static void timeout(void)
{
    uint16_t port;
    struct timeval t = {0, 50000};
    int a = bound(SOCK_DGRAM, &port);
    SAY("time out");
    CALL(setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
    CALL(recv(a, buf, sizeof(buf), 0));
    struct pollfd p = {a, POLLIN, 0};
    CALL(poll(&p, 1, 20));
    close(a);
}

static void several(void)
{
    uint16_t pa, pb;
    int a = bound(SOCK_DGRAM, &pa), b = bound(SOCK_DGRAM, &pb);
    struct sockaddr_in to = v4(INADDR_LOOPBACK, pb);
    struct iovec iov[3] = {{"first", 5}, {"second", 6}, {"third", 5}};
    struct mmsghdr m[3] = {0};
    char in[3][16];
    SAY("several at once");
    for (int i = 0; i < 3; i++) {
        m[i].msg_hdr = (struct msghdr){.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov[i],
                                       .msg_iovlen = 1};
    }
    CALL(sendmmsg(a, m, 3, 0));
    SHOW(m[2].msg_len);
    await(b, POLLIN);
    memset(m, 0, sizeof(m));
    for (int i = 0; i < 3; i++) {
        iov[i] = (struct iovec){in[i], sizeof(in[i])};
        m[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
    }
    CALL(recvmmsg(b, m, 3, MSG_WAITFORONE, NULL));
    SHOW(m[0].msg_len);
    SHOW(m[1].msg_len);
    IS(memcmp(in[1], "second", 6) == 0);
    CALL(recvmmsg(b, m, 3, MSG_DONTWAIT, NULL));
    SAY("gathered and scattered");
    struct iovec out[2] = {{"ab", 2}, {"cde", 3}};
    struct msghdr h = {.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = out, .msg_iovlen = 2};
    CALL(sendmsg(a, &h, 0));
    await(b, POLLIN);
    iov[0] = (struct iovec){in[0], 1};
    iov[1] = (struct iovec){in[1], 10};
    CALL(readv(b, iov, 2));
    IS(in[0][0] == 'a' && memcmp(in[1], "bcde", 4) == 0);
    close(a);
    close(b);
}

static void ipv6(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6}, to, from;
    socklen_t len = sizeof(from);
    char text[INET6_ADDRSTRLEN];
    int a = (int)MUST(socket(AF_INET6, SOCK_DGRAM, 0));
    int b = (int)MUST(socket(AF_INET6, SOCK_DGRAM, 0));
    int c = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    SAY("IPv6");
    CALL(bind(b, SA(any), sizeof(any)));
    to = v6_loopback(port_of(b));
    CALL(sendto(a, "six", 3, 0, SA(to), sizeof(to)));
    CALL(recvfrom(b, buf, sizeof(buf), 0, SA(from), &len));
    SHOW(len);
    printf("from %s\n", inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof(text)));
    struct sockaddr_in four = v4(INADDR_LOOPBACK, port_of(b));
    CALL(sendto(c, "four", 4, 0, SA(four), sizeof(four)));
    CALL(recvfrom(b, buf, sizeof(buf), 0, SA(from), &len));
    printf("from %s\n", inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof(text)));
    CALL(sendto(b, "back", 4, 0, SA(from), sizeof(from)));
    CALL(recv(c, buf, sizeof(buf), 0));
    CALL(sendto(c, "x", 1, 0, SA(to), sizeof(to)));
    CALL(sendto(a, "x", 1, 0, SA(four), sizeof(four)));
    close(a);
    close(b);
    close(c);
}

int main(void)
{
    begin();
    plain();
    connected();
    refused();
    timeout();
    several();
    ipv6();
    return end();
}
