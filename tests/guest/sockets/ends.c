/* SPDX-License-Identifier: BSD-2-Clause */
/* How connections end and how long calls wait. */
#include "tests.h"

static void *read_late(void *arg)
{
    usleep(300000);
    check_stream(*(int *)arg, 5, 60000);
    return NULL;
}

/* SO_LINGER with a time: close() waits until the peer's machine has taken all. */
void linger_waits(void)
{
    int p[2];
    pthread_t t;
    struct linger wait = { 1, 20 };
    uint16_t port;
    int l = listener(1, &port);
    struct sockaddr_in a = v4(port);
    set_int(l, SOL_SOCKET, SO_RCVBUF, 4000);
    p[0] = socket(AF_INET, SOCK_STREAM, 0);
    set_int(p[0], SOL_SOCKET, SO_SNDBUF, 100000);
    NEED(connect(p[0], SA(a), sizeof(a)) == 0);
    p[1] = accept(l, NULL, NULL);
    close(l);
    NEED(setsockopt(p[0], SOL_SOCKET, SO_LINGER, &wait, sizeof(wait)) == 0);
    long before = now_ms();
    start(&t, read_late, &p[1]);
    send_stream(p[0], 5, 60000);
    NEED(close(p[0]) == 0);
    NEED(now_ms() - before >= 290); /* not before the reader woke */
    NEED(now_ms() - before < 19000);
    pthread_join(t, NULL);
    close(p[1]);

    /* A peer that never reads: time is up, and the close returns. */
    tcp_pair(p);
    wait.l_linger = 1;
    NEED(setsockopt(p[0], SOL_SOCKET, SO_LINGER, &wait, sizeof(wait)) == 0);
    char block[1000] = "";
    while (send(p[0], block, sizeof(block), MSG_DONTWAIT) > 0) {
    }
    before = now_ms();
    NEED(close(p[0]) == 0);
    NEED(now_ms() - before >= 900 && now_ms() - before < 15000);
    close(p[1]);
}

/* Who closes with unread data resets; data before the reset has arrived is still read. */
void unread_is_reset(void)
{
    int p[2];
    char got[10];
    tcp_pair(p);
    SAME(send(p[0], "lost", 4, 0), 4);
    SAME(send(p[1], "kept", 4, 0), 4);
    close(p[1]);
    SAME(recv(p[0], got, sizeof(got), 0), 4);
    SAME(recv(p[0], got, sizeof(got), 0), -1);
    SAME(errno, ECONNRESET);
    SAME(recv(p[0], got, sizeof(got), 0), 0);
    SAME(send(p[0], "x", 1, MSG_NOSIGNAL), -1);
    SAME(errno, EPIPE);
    close(p[0]);
}

/* SO_RCVTIMEO, SO_SNDTIMEO, of recv, accept, send and of a datagram socket. */
void timeouts(void)
{
    int p[2];
    uint16_t port;
    char block[5000] = "";
    tcp_pair(p);
    set_time(p[0], SO_RCVTIMEO, 120);
    set_time(p[1], SO_SNDTIMEO, 130);
    long before = now_ms();
    SAME(recv(p[0], block, 1, 0), -1);
    SAME(errno, EAGAIN);
    NEED(now_ms() - before >= 119 && now_ms() - before < 10000);
    before = now_ms();
    ssize_t n;
    while ((n = send(p[1], block, sizeof(block), 0)) > 0) {
    }
    SAME(errno, EAGAIN);
    NEED(now_ms() - before >= 129 && now_ms() - before < 10000);
    close(p[0]);
    close(p[1]);
    int fds[2] = { listener(1, &port), udp_bound(&port) };
    for (int i = 0; i < 2; i++) {
        set_time(fds[i], SO_RCVTIMEO, 100);
        before = now_ms();
        SAME(i == 0 ? accept(fds[i], NULL, NULL) : recv(fds[i], block, 1, 0), -1);
        SAME(errno, EAGAIN);
        NEED(now_ms() - before >= 99 && now_ms() - before < 10000);
        close(fds[i]);
    }
}

static void *send_slowly(void *arg)
{
    int fd = *(int *)arg;
    for (int i = 0; i < 10; i++) {
        usleep(5000);
        SAME(send(fd, "0123456789" + i, 1, 0), 1);
    }
    return NULL;
}

/* MSG_WAITALL gathers; MSG_PEEK leaves; MSG_MORE makes one segment of three writes. */
void waitall_and_more(void)
{
    int p[2];
    char got[16];
    pthread_t t;
    tcp_pair(p);
    start(&t, send_slowly, &p[0]);
    SAME(recv(p[1], got, 10, MSG_WAITALL), 10);
    SAME(memcmp(got, "0123456789", 10), 0);
    pthread_join(t, NULL);
    SAME(send(p[0], "ab", 2, MSG_MORE), 2);
    SAME(send(p[0], "cd", 2, MSG_MORE), 2);
    struct pollfd w = { p[1], POLLIN, 0 };
    SAME(send(p[0], "ef", 2, 0), 2);
    SAME(poll(&w, 1, 5000), 1);
    SAME(recv(p[1], got, sizeof(got), MSG_PEEK), 6);
    SAME(recv(p[1], got, sizeof(got), 0), 6);
    SAME(memcmp(got, "abcdef", 6), 0);
    set_int(p[1], SOL_SOCKET, SO_RCVLOWAT, 4);
    SAME(send(p[0], "123", 3, 0), 3);
    SAME(poll(&w, 1, 20), 0);
    SAME(send(p[0], "4", 1, 0), 1);
    SAME(poll(&w, 1, 5000), 1);
    SAME(recv(p[1], got, sizeof(got), 0), 4);
    close(p[0]);
    close(p[1]);
}

/* A side that has finished sending still receives, a lot. */
void half_close(void)
{
    int p[2];
    char c;
    pthread_t t;
    tcp_pair(p);
    SAME(send(p[0], "?", 1, 0), 1);
    NEED(shutdown(p[0], SHUT_WR) == 0);
    SAME(recv(p[1], &c, 1, 0), 1);
    SAME(recv(p[1], &c, 1, 0), 0);
    start(&t, read_late, &p[0]);
    send_stream(p[1], 5, 60000);
    pthread_join(t, NULL);
    close(p[1]);
    SAME(recv(p[0], &c, 1, 0), 0);
    close(p[0]);
}

/* One IPv6 listener takes both; IPV6_V6ONLY leaves IPv4's port to others. */
void dual_stack(void)
{
    struct sockaddr_in6 a = { .sin6_family = AF_INET6 }, from;
    socklen_t len = sizeof(from);
    int l = socket(AF_INET6, SOCK_STREAM, 0);
    NEED(bind(l, SA(a), sizeof(a)) == 0);
    NEED(listen(l, 5) == 0);
    uint16_t port = port_of(l);
    int c = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in four = v4(port);
    NEED(connect(c, SA(four), sizeof(four)) == 0);
    int s = accept(l, SA(from), &len);
    NEED(s >= 0 && IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
    SAME(from.sin6_addr.s6_addr32[3], htonl(INADDR_LOOPBACK));
    close(c);
    close(s);
    c = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 six = v6(port);
    NEED(connect(c, SA(six), sizeof(six)) == 0);
    len = sizeof(from);
    s = accept(l, SA(from), &len);
    NEED(s >= 0 && IN6_IS_ADDR_LOOPBACK(&from.sin6_addr));
    close(c);
    close(s);
    c = socket(AF_INET, SOCK_STREAM, 0);
    SAME(bind(c, SA(four), sizeof(four)), -1);
    SAME(errno, EADDRINUSE);
    close(c);
    close(l);

    l = socket(AF_INET6, SOCK_STREAM, 0);
    set_int(l, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    a.sin6_port = htons(port);
    set_int(l, SOL_SOCKET, SO_REUSEADDR, 1);
    int err = bind(l, SA(a), sizeof(a)) < 0 ? errno : 0;
    if (err == EADDRINUSE) { /* the connections above are in TIME_WAIT */
        a.sin6_port = 0;
        NEED(bind(l, SA(a), sizeof(a)) == 0);
    }
    NEED(listen(l, 5) == 0);
    four = v4(port_of(l));
    c = socket(AF_INET, SOCK_STREAM, 0);
    SAME(connect(c, SA(four), sizeof(four)), -1);
    SAME(errno, ECONNREFUSED);
    close(c);
    close(l);
}
