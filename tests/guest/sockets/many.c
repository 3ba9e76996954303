/* SPDX-License-Identifier: BSD-2-Clause */
/* Many connections, one after the other and at once; afterwards memory is what it was. */
#include "tests.h"

#define AT_ONCE 2000
#define IN_TURN 10000

/* Some bytes each way, then the end, by either side; false: it was not even connected. */
static bool talk(int l, const struct sockaddr_in *a, int i)
{
    char got[8] = "";
    int c = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c, (const struct sockaddr *)a, sizeof(*a)) != 0) {
        fail_at(__FILE_NAME__, __LINE__, "connect", errno);
        close(c);
        return false;
    }
    int s = accept(l, NULL, NULL);
    SAME(send(c, "hello", 5, 0), 5);
    SAME(recv(s, got, sizeof(got), 0), 5);
    SAME(memcmp(got, "hello", 5), 0);
    SAME(send(s, "you", 3, 0), 3);
    SAME(recv(c, got, sizeof(got), 0), 3);
    int first = i % 2 == 0 ? c : s, second = i % 2 == 0 ? s : c;
    if (i % 5 == 0) {
        struct linger reset = { 1, 0 };
        setsockopt(first, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    }
    close(first);
    SAME(recv(second, got, sizeof(got), 0), i % 5 == 0 ? -1 : 0);
    close(second);
    return true;
}

void connections_leave_nothing(void)
{
    uint16_t port;
    int l = listener(5, &port);
    struct sockaddr_in a = v4(port);
    for (int i = 0; i < IN_TURN / 10 && talk(l, &a, i); i++) {
    }
    size_t before = settled_free_pages();
    for (int i = 0; i < IN_TURN && talk(l, &a, i); i++) {
    }
    size_t after = settled_free_pages();
    /* Slabs are not handed back one by one: some pages of play. */
    if (after + 16 < before) {
        fail_at(__FILE_NAME__, __LINE__, "pages gone", (long long)(before - after));
    }
    close(l);
}

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

/*
 * A client comes again by the port of a connection that the server has in TIME_WAIT. After many
 * bytes the clock of first numbers is behind the old connection's, after none it may stand still.
 */
void same_port_again(void)
{
    static char bytes[60000];
    uint16_t port;
    int l = listener(5, &port);
    struct sockaddr_in a = v4(port), own = v4(0);
    for (int i = 0; i < 100; i++) {
        int c = socket(AF_INET, SOCK_STREAM, 0);
        NEED(bind(c, SA(own), sizeof(own)) == 0);
        own = v4(port_of(c));
        if (connect(c, SA(a), sizeof(a)) != 0) {
            fail_at(__FILE_NAME__, __LINE__, i % 2 == 0 ? "connect" : "connect 2", errno);
            close(c);
            break;
        }
        int s = accept(l, NULL, NULL);
        if (i % 2 == 0) {
            SAME(send(c, bytes, sizeof(bytes), 0), sizeof(bytes));
            SAME(recv(s, bytes, sizeof(bytes), MSG_WAITALL), sizeof(bytes));
        }
        close(s);
        SAME(recv(c, bytes, 1, 0), 0);
        close(c);
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

/* SO_REUSEPORT: each of three listeners gets its part, and none is lost when one closes. */
void reuseport_spreads(void)
{
    int l[3], got[3] = { 0 };
    struct sockaddr_in a = v4(0);
    for (int i = 0; i < 3; i++) {
        l[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        set_int(l[i], SOL_SOCKET, SO_REUSEPORT, 1);
        NEED(bind(l[i], SA(a), sizeof(a)) == 0);
        a = v4(port_of(l[i]));
        NEED(listen(l[i], 100) == 0);
    }
    for (int i = 0; i < 60; i++) {
        int c = socket(AF_INET, SOCK_STREAM, 0);
        NEED(connect(c, SA(a), sizeof(a)) == 0);
        for (int k = 0; k < 3; k++) {
            int s = accept(l[k], NULL, NULL);
            if (s >= 0) {
                got[k]++;
                close(s);
            }
        }
        close(c);
    }
    SAME(got[0] + got[1] + got[2], 60);
    NEED(got[0] > 5 && got[1] > 5 && got[2] > 5);
    close(l[1]);
    for (int i = 0; i < 10; i++) {
        int c = socket(AF_INET, SOCK_STREAM, 0);
        NEED(connect(c, SA(a), sizeof(a)) == 0);
        close(c);
    }
    close(l[0]);
    close(l[2]);
}
