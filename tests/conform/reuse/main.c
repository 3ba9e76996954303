/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may bind what beside whom: SO_REUSEADDR, SO_REUSEPORT, wildcards, both IP versions. */
#define _GNU_SOURCE
#include "../conform.h"

enum { NOTHING, ADDR, PORT, BOTH };
static const char *const option_names[] = {"nothing", "ADDR", "PORT", "ADDR+PORT"};

static int prepared(int family, int type, int options)
{
    int fd = (int)MUST(socket(family, type, 0));
    if (options & ADDR) {
        MUST(set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1));
    }
    if (options & PORT) {
        MUST(set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1));
    }
    return fd;
}

/* Two sockets with options at the same port: may the second one bind, and listen? */
static void two(int type, bool listens, uint32_t first_addr, uint32_t second_addr, int o1, int o2)
{
    struct sockaddr_in a = v4(first_addr, 0);
    int first = prepared(AF_INET, type, o1);
    int second = prepared(AF_INET, type, o2);
    MUST(bind(first, SA(a), sizeof(a)));
    a = v4(second_addr, port_of(first));
    if (listens) {
        MUST(listen(first, 5));
    }
    errno = 0;
    int r = bind(second, SA(a), sizeof(a));
    printf("%s%s %s %s, then %s %s: %s", type == SOCK_STREAM ? "TCP" : "UDP",
           listens ? " listening" : "", first_addr ? "127.0.0.1" : "any", option_names[o1],
           second_addr == INADDR_LOOPBACK ? "127.0.0.1" : second_addr ? "127.0.0.2" : "any",
           option_names[o2], r == 0 ? "bound" : error_name(errno));
    if (r == 0 && type == SOCK_STREAM) {
        r = listen(second, 5);
        printf(", listen: %s", r == 0 ? "0" : error_name(errno));
    }
    printf("\n");
    close(first);
    close(second);
}

static void matrix(int type, bool listens)
{
    static const uint32_t addrs[][2] = {
        {INADDR_LOOPBACK, INADDR_LOOPBACK}, {INADDR_ANY, INADDR_LOOPBACK}, {INADDR_LOOPBACK, INADDR_ANY},
        {INADDR_LOOPBACK, INADDR_LOOPBACK + 1},
    };
    for (size_t i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
        for (int o1 = NOTHING; o1 <= BOTH; o1++) {
            for (int o2 = NOTHING; o2 <= BOTH; o2++) {
                two(type, listens, addrs[i][0], addrs[i][1], o1, o2);
            }
        }
    }
}

/* The port of a connection that the listener's side has closed first is held for a while. */
static void time_wait(int options)
{
    struct sockaddr_in a = v4(INADDR_LOOPBACK, 0);
    int l = prepared(AF_INET, SOCK_STREAM, options);
    SAY("TIME_WAIT, listener with %s", option_names[options]);
    MUST(bind(l, SA(a), sizeof(a)));
    MUST(listen(l, 5));
    a = v4(INADDR_LOOPBACK, port_of(l));
    int c = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(connect(c, SA(a), sizeof(a)));
    int s = (int)MUST(accept(l, NULL, NULL));
    close(l);
    close(s);
    await(c, POLLIN);
    close(c);
    settle();
    int again = prepared(AF_INET, SOCK_STREAM, NOTHING);
    CALL(bind(again, SA(a), sizeof(a)));
    close(again);
    again = prepared(AF_INET, SOCK_STREAM, ADDR);
    if (CALL(bind(again, SA(a), sizeof(a))) == 0) {
        CALL(listen(again, 5));
        c = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
        CALL(connect(c, SA(a), sizeof(a)));
        close(c);
    }
    close(again);
}

/* A connection that was accepted lives on, and its listener comes again. */
static void listener_again(void)
{
    uint16_t port;
    char byte;
    SAY("a listener again, while a connection lives");
    int l = bound(SOCK_STREAM, &port);
    struct sockaddr_in a = v4(INADDR_LOOPBACK, port);
    int c = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(connect(c, SA(a), sizeof(a)));
    int s = (int)MUST(accept(l, NULL, NULL));
    close(l);
    l = prepared(AF_INET, SOCK_STREAM, NOTHING);
    CALL(bind(l, SA(a), sizeof(a)));
    close(l);
    l = prepared(AF_INET, SOCK_STREAM, ADDR);
    CALL(bind(l, SA(a), sizeof(a)));
    CALL(send(s, "x", 1, 0));
    CALL(recv(c, &byte, 1, 0));
    close(l);
    close(c);
    close(s);
}

static void dual(int only)
{
    struct sockaddr_in6 any6 = {.sin6_family = AF_INET6};
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6};
    struct sockaddr_in a;
    struct sockaddr_in6 peer;
    socklen_t len = sizeof(peer);
    char text[INET6_ADDRSTRLEN];
    int l = (int)MUST(socket(AF_INET6, SOCK_STREAM, 0));
    SAY("IPv6 wildcard, IPV6_V6ONLY %d", only);
    CALL(set_int(l, IPPROTO_IPV6, IPV6_V6ONLY, only));
    CALL(bind(l, SA(any6), sizeof(any6)));
    CALL(listen(l, 5));
    uint16_t port = port_of(l);
    a = v4(INADDR_LOOPBACK, port);
    int c = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    if (CALL(connect(c, SA(a), sizeof(a))) == 0) {
        int s = FD(accept(l, SA(peer), &len));
        SHOW(len);
        printf("from %s\n", inet_ntop(AF_INET6, &peer.sin6_addr, text, sizeof(text)));
        len = sizeof(peer);
        CALL(getsockname(s, SA(peer), &len));
        printf("to %s\n", inet_ntop(AF_INET6, &peer.sin6_addr, text, sizeof(text)));
        close(s);
    }
    close(c);
    int other = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    a = v4(INADDR_ANY, port);
    CALL(bind(other, SA(a), sizeof(a)));
    close(other);
    c = (int)MUST(socket(AF_INET6, SOCK_STREAM, 0));
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr);
    mapped.sin6_port = htons(port);
    CALL(connect(c, SA(mapped), sizeof(mapped)));
    close(c);
    close(l);
    c = (int)MUST(socket(AF_INET6, SOCK_STREAM, 0));
    set_int(c, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    CALL(connect(c, SA(mapped), sizeof(mapped)));
    close(c);
}

int main(void)
{
    begin();
    matrix(SOCK_STREAM, false);
    matrix(SOCK_STREAM, true);
    matrix(SOCK_DGRAM, false);
    time_wait(NOTHING);
    time_wait(ADDR);
    listener_again();
    dual(0);
    dual(1);
    return end();
}
