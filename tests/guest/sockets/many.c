/* SPDX-License-Identifier: BSD-2-Clause */
/* Many connections at once, and a full backlog. */
#include "tests.h"

#define AT_ONCE 2000

void many_connections(void)
{
    static int c[AT_ONCE], s[AT_ONCE];
    uint16_t port;
    int l = listener(AT_ONCE, &port);
    struct sockaddr_in a = v4(port);
    for (int i = 0; i < AT_ONCE; i++) {
        c[i] = socket(AF_INET, SOCK_STREAM, 0);
        NEED(connect(c[i], SA(a), sizeof(a)) == 0);
    }
    for (int i = 0; i < AT_ONCE; i++) {
        s[i] = accept(l, NULL, NULL);
        NEED(s[i] >= 0);
    }
    /* Connections are accepted in their order. */
    for (int i = 0; i < AT_ONCE; i++) {
        SAME(send(c[i], &i, sizeof(i), 0), sizeof(i));
    }
    for (int i = 0; i < AT_ONCE; i++) {
        int got = -1;
        SAME(recv(s[i], &got, sizeof(got), 0), sizeof(got));
        SAME(got, i);
    }
    for (int i = 0; i < AT_ONCE; i++) {
        close(i % 2 == 0 ? c[i] : s[i]);
    }
    for (int i = 0; i < AT_ONCE; i++) {
        close(i % 2 == 0 ? s[i] : c[i]);
    }
    close(l);
}

/* A full queue drops SYNs: the client tries again and gets in when there is room. */
void backlog_holds_back(void)
{
    uint16_t port;
    int l = listener(1, &port), c[4];
    struct sockaddr_in a = v4(port);
    struct pollfd p;
    for (int i = 0; i < 4; i++) {
        c[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        SAME(connect(c[i], SA(a), sizeof(a)), -1);
        SAME(errno, EINPROGRESS);
        p = (struct pollfd){ c[i], POLLOUT, 0 };
        SAME(poll(&p, 1, 0), i < 2); /* the backlog and one, as on Linux */
    }
    close(accept(l, NULL, NULL));
    close(accept(l, NULL, NULL));
    for (int i = 2; i < 4; i++) {
        p = (struct pollfd){ c[i], POLLOUT, 0 };
        SAME(poll(&p, 1, 20000), 1);
        SAME(p.revents, POLLOUT);
        close(accept(l, NULL, NULL));
    }
    for (int i = 0; i < 4; i++) {
        close(c[i]);
    }
    close(l);
}
