/* SPDX-License-Identifier: BSD-2-Clause */
/* Datagrams: sizes, limits, multicast, control messages, several at once. */
#include "tests.h"

/* Every kind of size arrives whole, up to the largest, which is cut into fragments. */
void datagrams(void)
{
    static const size_t sizes[] = { 0, 1, 511, 1472, 1473, 9000, 40000, 65507 };
    static unsigned char out[65507], in[65536];
    uint16_t port;
    int r = udp_bound(&port), s = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = v4(port), from;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t k = 0; k < sizes[i]; k++) {
            out[k] = (unsigned char)(k * 31 + i);
        }
        SAME(sendto(s, out, sizes[i], 0, SA(to), sizeof(to)), sizes[i]);
        socklen_t len = sizeof(from);
        SAME(recvfrom(r, in, sizeof(in), MSG_PEEK | MSG_DONTWAIT, SA(from), &len), sizes[i]);
        SAME(recvfrom(r, in, sizeof(in), MSG_DONTWAIT, SA(from), &len), sizes[i]);
        SAME(memcmp(in, out, sizes[i]), 0);
        SAME(ntohs(from.sin_port), port_of(s));
    }
    SAME(sendto(s, out, 65508, 0, SA(to), sizeof(to)), -1);
    SAME(errno, EMSGSIZE);
    SAME(send(s, out, 1, 0), -1);
    SAME(errno, EDESTADDRREQ);
    SAME(sendto(s, out, 100, 0, SA(to), sizeof(to)), 100);
    SAME(recv(r, in, 10, MSG_TRUNC | MSG_PEEK), 100);
    SAME(recv(r, in, 10, 0), 10);
    SAME(recv(r, in, 10, MSG_DONTWAIT), -1);
    close(r);
    close(s);
}

/* Who does not read loses what exceeds SO_RCVBUF, and the machine keeps its memory. */
void datagram_limits(void)
{
    static char block[1000];
    uint16_t port;
    int got = 0, r = udp_bound(&port), s = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = v4(port);
    set_int(r, SOL_SOCKET, SO_RCVBUF, 30000);
    NEED(connect(s, SA(to), sizeof(to)) == 0);
    for (int i = 0; i < 1000; i++) {
        SAME(send(s, block, sizeof(block), 0), sizeof(block));
    }
    while (recv(r, block, sizeof(block), MSG_DONTWAIT) > 0) {
        got++;
    }
    NEED(got >= 10 && got <= 30);
    SAME(send(s, block, 7, 0), 7);
    SAME(recv(r, block, sizeof(block), 0), 7);
    /* A socket that is gone: the next call hears of it. */
    close(r);
    SAME(send(s, block, 7, 0), 7);
    SAME(recv(s, block, 7, 0), -1);
    SAME(errno, ECONNREFUSED);
    close(s);
}

/* A group on the loopback interface: every member gets it, and nobody after leaving. */
void multicast(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(5353) };
    struct ip_mreq m = { .imr_interface.s_addr = htonl(INADDR_LOOPBACK) };
    char got[8];
    int r[2], s = socket(AF_INET, SOCK_DGRAM, 0);
    m.imr_multiaddr.s_addr = htonl(0xefff0102);
    for (int i = 0; i < 2; i++) {
        r[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        set_int(r[i], SOL_SOCKET, SO_REUSEADDR, 1);
        NEED(bind(r[i], SA(a), sizeof(a)) == 0);
        NEED(setsockopt(r[i], IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)) == 0);
        SAME(setsockopt(r[i], IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)), -1);
        SAME(errno, EADDRINUSE);
    }
    NEED(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &m.imr_interface, 4) == 0);
    a.sin_addr = m.imr_multiaddr;
    SAME(sendto(s, "all", 3, 0, SA(a), sizeof(a)), 3);
    for (int i = 0; i < 2; i++) {
        SAME(recv(r[i], got, sizeof(got), 0), 3);
        NEED(setsockopt(r[i], IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof(m)) == 0);
        SAME(setsockopt(r[i], IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof(m)), -1);
        SAME(errno, EADDRNOTAVAIL);
    }
    SAME(sendto(s, "all", 3, 0, SA(a), sizeof(a)), 3);
    SAME(recv(r[0], got, sizeof(got), 0), -1);
    close(r[0]);
    close(r[1]);
    close(s);
}

/* IP_PKTINFO, IP_RECVTTL, IP_RECVTOS and their IPv6 twins. */
void control_messages(void)
{
    union {
        char bytes[256];
        struct cmsghdr align;
    } control;
    char got[8];
    uint16_t port;
    int r = udp_bound(&port), s = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = v4(port);
    struct iovec v = { got, sizeof(got) };
    struct msghdr msg = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control,
                          .msg_controllen = sizeof(control) };
    set_int(r, IPPROTO_IP, IP_PKTINFO, 1);
    set_int(r, IPPROTO_IP, IP_RECVTTL, 1);
    set_int(r, IPPROTO_IP, IP_RECVTOS, 1);
    set_int(s, IPPROTO_IP, IP_TTL, 77);
    set_int(s, IPPROTO_IP, IP_TOS, 0x10);
    SAME(sendto(s, "x", 1, 0, SA(to), sizeof(to)), 1);
    SAME(sendto(s, "x", 1, 0, SA(to), sizeof(to)), 1);
    SAME(recvmsg(r, &msg, 0), 1);
    int seen = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
        if (c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo *info = (void *)CMSG_DATA(c);
            SAME(info->ipi_addr.s_addr, htonl(INADDR_LOOPBACK));
            NEED(info->ipi_ifindex > 0);
            seen |= 1;
        } else if (c->cmsg_type == IP_TTL) {
            SAME(*(int *)CMSG_DATA(c), 77);
            seen |= 2;
        } else if (c->cmsg_type == IP_TOS) {
            SAME(*CMSG_DATA(c), 0x10);
            seen |= 4;
        }
    }
    SAME(seen, 7);
    SAME(msg.msg_flags, 0);
    msg.msg_controllen = 10; /* too little for any */
    SAME(recvmsg(r, &msg, 0), 1);
    SAME(msg.msg_flags, MSG_CTRUNC);
    SAME(msg.msg_controllen, 0);
    close(r);
    close(s);
}

void many_messages(void)
{
    struct mmsghdr out[8], in[10];
    struct iovec vout[8][2], vin[10];
    char text[8][4], got[10][16];
    uint16_t port;
    int r = udp_bound(&port), s = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = v4(port);
    NEED(connect(s, SA(to), sizeof(to)) == 0);
    memset(out, 0, sizeof(out));
    memset(in, 0, sizeof(in));
    for (int i = 0; i < 8; i++) {
        text[i][0] = (char)('a' + i);
        vout[i][0] = (struct iovec){ "msg ", 4 };
        vout[i][1] = (struct iovec){ text[i], 1 };
        out[i].msg_hdr.msg_iov = vout[i];
        out[i].msg_hdr.msg_iovlen = 2;
    }
    for (int i = 0; i < 10; i++) {
        vin[i] = (struct iovec){ got[i], sizeof(got[i]) };
        in[i].msg_hdr.msg_iov = &vin[i];
        in[i].msg_hdr.msg_iovlen = 1;
    }
    SAME(sendmmsg(s, out, 8, 0), 8);
    SAME(out[7].msg_len, 5);
    SAME(recvmmsg(r, in, 10, MSG_WAITFORONE, NULL), 8);
    for (int i = 0; i < 8; i++) {
        SAME(in[i].msg_len, 5);
        SAME(memcmp(got[i], "msg ", 4), 0);
        SAME(got[i][4], 'a' + i);
    }
    SAME(recvmmsg(r, in, 10, MSG_DONTWAIT, NULL), -1);
    SAME(errno, EAGAIN);
    /* MSG_MORE: one datagram of three calls. */
    SAME(send(s, "ab", 2, MSG_MORE), 2);
    SAME(send(s, "cd", 2, MSG_MORE), 2);
    SAME(send(s, "e", 1, 0), 1);
    SAME(recv(r, got[0], sizeof(got[0]), 0), 5);
    SAME(memcmp(got[0], "abcde", 5), 0);
    close(r);
    close(s);
}
