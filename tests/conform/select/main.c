/* SPDX-License-Identifier: BSD-2-Clause */
/* A server and its clients in one thread with select(), and what select() says of each state. */
#define _GNU_SOURCE
#include "../conform.h"

#include <sys/select.h>

#define CLIENTS 100
#define CHUNK   20000

static const char *sets_of(int fd)
{
    static char text[16];
    fd_set r, w, e;
    struct timeval none = {0, 0};
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_ZERO(&e);
    FD_SET(fd, &r);
    FD_SET(fd, &w);
    FD_SET(fd, &e);
    int n = select(fd + 1, &r, &w, &e, &none);
    snprintf(text, sizeof(text), "%d %s%s%s", n, FD_ISSET(fd, &r) ? "r" : "", FD_ISSET(fd, &w) ? "w" : "",
             FD_ISSET(fd, &e) ? "e" : "");
    return text;
}

#define SETS(fd) printf("%d: select(%s): %s\n", __LINE__, #fd, sets_of(fd))

static void states(void)
{
    int p[2];
    char buf[8];
    struct linger linger = {1, 0};
    uint16_t port;
    SAY("states");
    int l = bound(SOCK_STREAM, &port);
    SETS(l);
    tcp_pair(p);
    SETS(p[0]);
    CALL(send(p[1], "x", 1, 0));
    await(p[0], POLLIN);
    SETS(p[0]);
    CALL(recv(p[0], buf, 1, 0));
    SETS(p[0]);
    CALL(shutdown(p[1], SHUT_WR));
    await(p[0], POLLIN);
    SETS(p[0]);
    CALL(shutdown(p[0], SHUT_WR));
    SETS(p[0]);
    close(p[0]);
    close(p[1]);
    tcp_pair(p);
    setsockopt(p[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(p[1]);
    await(p[0], POLLERR);
    SETS(p[0]);
    close(p[0]);
    int fresh = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    SETS(fresh);
    close(fresh);
    MUST(pipe(p));
    SETS(p[0]);
    SETS(p[1]);
    close(p[1]);
    SETS(p[0]);
    close(p[0]);
    close(l);
}

static void arguments(void)
{
    fd_set set;
    struct timeval t = {0, 10000}, bad = {-1, 0}, bad2 = {0, -1};
    int p[2];
    SAY("arguments");
    MUST(pipe(p));
    CALL(select(0, NULL, NULL, NULL, &t));
    FD_ZERO(&set);
    CALL(select(-1, NULL, NULL, NULL, &t));
    CALL(select(0, NULL, NULL, NULL, &bad));
    CALL(select(0, NULL, NULL, NULL, &bad2));
    FD_SET(60, &set); /* nothing is open there */
    CALL(select(61, &set, NULL, NULL, &t));
    FD_ZERO(&set);
    FD_SET(p[0], &set);
    t = (struct timeval){0, 10000};
    CALL(select(p[0] + 1, &set, NULL, NULL, &t));
    IS(FD_ISSET(p[0], &set));
    FD_SET(p[0], &set);
    CALL(write(p[1], "x", 1));
    CALL(select(p[0] + 1, &set, NULL, NULL, NULL));
    IS(FD_ISSET(p[0], &set));
    struct timespec ts = {0, 0};
    CALL(pselect(p[0] + 1, &set, NULL, NULL, &ts, NULL));
    close(p[0]);
    close(p[1]);
}

struct end {
    int fd;
    long sent, got;
    bool shut, eof;
};

static struct end ends[2 * CLIENTS]; /* clients, then what was accepted */
static int nends = CLIENTS;
static long bad_bytes;

static void put(struct end *c)
{
    char out[1500];
    size_t n = CHUNK - c->sent < (long)sizeof(out) ? (size_t)(CHUNK - c->sent) : sizeof(out);
    for (size_t i = 0; i < n; i++) {
        out[i] = (char)(c->sent + (long)i);
    }
    ssize_t sent = send(c->fd, out, n, MSG_NOSIGNAL);
    if (sent > 0) {
        c->sent += sent;
    }
    if (c->sent == CHUNK && !c->shut) {
        MUST(shutdown(c->fd, SHUT_WR));
        c->shut = true;
    }
}

static void take(struct end *c)
{
    char in[1000];
    ssize_t n = recv(c->fd, in, sizeof(in), 0);
    for (ssize_t i = 0; i < n; i++) {
        bad_bytes += in[i] != (char)(c->got + i);
    }
    c->got += n > 0 ? n : 0;
    c->eof = n == 0;
}

/* Every end sends CHUNK to its other one, and reads as many. */
static void exchange(void)
{
    uint16_t port;
    int l = bound(SOCK_STREAM, &port), finished = 0;
    struct sockaddr_in a = v4(INADDR_LOOPBACK, port);
    SAY("%d connections", CLIENTS);
    nonblocking(l);
    for (int i = 0; i < CLIENTS; i++) {
        ends[i].fd = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
        connect(ends[i].fd, SA(a), sizeof(a));
    }
    while (finished < 2 * CLIENTS) {
        fd_set r, w;
        int top = l;
        struct timeval t = {10, 0};
        FD_ZERO(&r);
        FD_ZERO(&w);
        FD_SET(l, &r);
        for (int i = 0; i < nends; i++) {
            if (!ends[i].eof) {
                FD_SET(ends[i].fd, &r);
            }
            if (!ends[i].shut) {
                FD_SET(ends[i].fd, &w);
            }
            top = ends[i].fd > top ? ends[i].fd : top;
        }
        int n = select(top + 1, &r, &w, NULL, &t);
        if (n <= 0) {
            printf("select gave %d, %d of the ends finished\n", n, finished);
            exit(1);
        }
        finished = 0;
        for (int i = 0; i < nends; i++) {
            if (!ends[i].shut && FD_ISSET(ends[i].fd, &w)) {
                put(&ends[i]);
            }
            if (!ends[i].eof && FD_ISSET(ends[i].fd, &r)) {
                take(&ends[i]);
            }
            finished += ends[i].shut && ends[i].eof;
        }
        if (FD_ISSET(l, &r)) {
            int fd = accept4(l, NULL, NULL, SOCK_NONBLOCK);
            if (fd >= 0) {
                ends[nends++].fd = fd;
            }
        }
    }
    long total = 0;
    for (int i = 0; i < nends; i++) {
        total += ends[i].got;
        close(ends[i].fd);
    }
    SHOW(nends);
    SHOW(total);
    SHOW(bad_bytes);
    close(l);
}

int main(void)
{
    begin();
    states();
    arguments();
    exchange();
    return end();
}
