/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server with edge-triggered epoll and 1,000 connections at once, clients and all in one thread:
 * each connection is echoed messages of changing sizes, then half closed, then read to its end.
 */
#define _GNU_SOURCE
#include "../conform.h"

#include <sys/epoll.h>

#define CONNECTIONS 1000
#define MESSAGES    8
#define PENDING     4096

struct conn {
    int fd;
    unsigned number;
    bool client;
    bool done;
    unsigned message;     /* client: the one under way */
    unsigned sent, got;   /* client: bytes of it */
    long total;           /* bytes that were echoed */
    unsigned held;        /* server: bytes in `buf` still to be sent back */
    bool eof;
    unsigned char *buf;
};

static struct conn clients[CONNECTIONS], servers[CONNECTIONS];
static int epfd, listener, nservers, open_ends;
static long events_seen, errors;

static unsigned size_of(unsigned number, unsigned message)
{
    return 1 + (number * 37 + message * 611) % 3000;
}

static unsigned char byte_of(unsigned number, unsigned message, unsigned at)
{
    return (unsigned char)(number * 7 + message * 13 + at);
}

static void watch(struct conn *c)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    MUST(epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &e));
}

static void finish(struct conn *c)
{
    c->done = true;
    MUST(close(c->fd));
    free(c->buf);
    c->buf = NULL;
    open_ends--;
}

static void accept_all(void)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct conn *c = &servers[nservers++];
        c->fd = fd;
        c->buf = malloc(PENDING);
        open_ends++;
        watch(c);
    }
    if (errno != EAGAIN) {
        errors++;
    }
}

/* Echo until both directions would block: that is what edge-triggered means. */
static void serve(struct conn *c)
{
    while (!c->done) {
        while (c->held > 0) {
            ssize_t n = send(c->fd, c->buf, c->held, MSG_NOSIGNAL);
            if (n < 0) {
                errors += errno != EAGAIN;
                return;
            }
            c->held -= (unsigned)n;
            memmove(c->buf, c->buf + n, c->held);
        }
        if (c->eof) {
            finish(c);
            return;
        }
        ssize_t n = recv(c->fd, c->buf, PENDING, 0);
        if (n < 0) {
            errors += errno != EAGAIN;
            return;
        }
        c->eof = n == 0;
        c->held = (unsigned)n;
    }
}

static bool client_send(struct conn *c)
{
    unsigned char out[4096];
    unsigned size = size_of(c->number, c->message);
    for (unsigned i = c->sent; i < size; i++) {
        out[i] = byte_of(c->number, c->message, i);
    }
    ssize_t n = send(c->fd, out + c->sent, size - c->sent, MSG_NOSIGNAL);
    if (n < 0) {
        errors += errno != EAGAIN;
        return false;
    }
    c->sent += (unsigned)n;
    return true;
}

/* Read the echo; true when there may be more to do. */
static bool client_receive(struct conn *c)
{
    unsigned char in[4096];
    ssize_t n = recv(c->fd, in, sizeof(in), 0);
    if (n < 0) {
        errors += errno != EAGAIN;
        return false;
    }
    if (n == 0) {
        errors += c->message != MESSAGES;
        finish(c);
        return false;
    }
    for (ssize_t i = 0; i < n; i++) {
        errors += in[i] != byte_of(c->number, c->message, c->got);
        c->got++;
    }
    c->total += n;
    if (c->got == size_of(c->number, c->message)) {
        c->got = c->sent = 0;
        c->message++;
        if (c->message == MESSAGES) {
            errors += shutdown(c->fd, SHUT_WR) != 0;
        }
    }
    return true;
}

static void converse(struct conn *c)
{
    bool more = true;
    while (more && !c->done) {
        more = false;
        if (c->message < MESSAGES && c->sent < size_of(c->number, c->message)) {
            more = client_send(c);
        }
        more |= client_receive(c);
    }
}

static void start_clients(void)
{
    struct sockaddr_in a = v4(INADDR_LOOPBACK, port_of(listener));
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        struct conn *c = &clients[i];
        c->number = i;
        c->client = true;
        c->fd = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
        int r = connect(c->fd, SA(a), sizeof(a));
        errors += r != -1 || errno != EINPROGRESS;
        open_ends++;
        watch(c);
    }
}

int main(void)
{
    struct epoll_event events[64];
    uint16_t port;
    begin();
    listener = bound(SOCK_STREAM, &port);
    CALL(listen(listener, CONNECTIONS));
    nonblocking(listener);
    epfd = FD(epoll_create1(EPOLL_CLOEXEC));
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.ptr = &listener};
    CALL(epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &e));
    start_clients();
    while (open_ends > 0 || nservers < CONNECTIONS) {
        int n = epoll_wait(epfd, events, 64, 20000);
        if (n <= 0) {
            printf("nothing more came: %d with %d ends open, %d accepted\n", n, open_ends, nservers);
            return 1;
        }
        events_seen += n;
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &listener) {
                accept_all();
                continue;
            }
            struct conn *c = events[i].data.ptr;
            if (c->done) {
                continue;
            }
            if (c->client) {
                converse(c);
            } else {
                serve(c);
            }
        }
    }
    long total = 0, expected = 0;
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        total += clients[i].total;
        for (unsigned m = 0; m < MESSAGES; m++) {
            expected += size_of(i, m);
        }
    }
    SHOW(nservers);
    SHOW(total);
    IS(total == expected);
    SHOW(errors);
    IS(events_seen >= 2 * CONNECTIONS);
    CALL(epoll_wait(epfd, events, 64, 0));
    CALL(close(listener));
    CALL(close(epfd));
    return end();
}
