/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * khttp: the benchmark server. It answers each request head with the same page of 612 bytes from
 * memory, keeps connections alive and takes pipelined requests; one thread, epoll, port 8080. It
 * understands no more of HTTP than where a head ends: httpd is the server for use.
 *
 * The same source runs on Linux, so that both can be compared.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT         8080
#define BODY_SIZE    612
#define READ_SIZE    4096
#define BATCH        16 /* responses written by one call */
#define EVENTS       64
#define ACCEPT_BATCH 64

#define HEAD                                                     \
    "HTTP/1.1 200 OK\r\nServer: khttp\r\nContent-Type: text/html\r\n" \
    "Content-Length: 612\r\nConnection: keep-alive\r\n\r\n"
#define RESPONSE_SIZE (sizeof(HEAD) - 1 + BODY_SIZE)

struct client {
    int fd;
    unsigned matched;  /* bytes of CR LF CR LF seen at the end of what came so far */
    size_t owed;       /* bytes of responses that the socket has not taken yet */
    bool blocked;      /* epoll waits for it to take more */
};

static char responses[BATCH * RESPONSE_SIZE];
static int epoll_fd;

static void say(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0) {
        return; /* there is nobody left to tell */
    }
}

static void drop(struct client *c)
{
    close(c->fd); /* epoll forgets it */
    free(c);
}

/* How many heads end in these bytes; the state carries over to the next ones. */
static unsigned count_heads(struct client *c, const char *p, size_t n)
{
    unsigned heads = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == "\r\n\r\n"[c->matched]) {
            c->matched++;
        } else {
            c->matched = p[i] == '\r';
        }
        if (c->matched == 4) {
            c->matched = 0;
            heads++;
        }
    }
    return heads;
}

/* Write what is owed; false when the connection has gone. */
static bool pay(struct client *c)
{
    while (c->owed > 0) {
        /* Whole responses follow each other: the place in the batch follows from what is owed. */
        size_t at = (RESPONSE_SIZE - c->owed % RESPONSE_SIZE) % RESPONSE_SIZE;
        size_t n = sizeof(responses) - at < c->owed ? sizeof(responses) - at : c->owed;
        ssize_t sent = send(c->fd, responses + at, n, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            return false;
        }
        if (sent <= 0) {
            break;
        }
        c->owed -= (size_t)sent;
    }
    bool blocked = c->owed > 0;
    if (blocked != c->blocked) {
        struct epoll_event e = { .events = blocked ? EPOLLOUT : EPOLLIN, .data.ptr = c };
        epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
        c->blocked = blocked;
    }
    return true;
}

static void serve(struct client *c)
{
    char buf[READ_SIZE];
    if (!c->blocked) {
        ssize_t n = read(c->fd, buf, sizeof(buf));
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (n <= 0) {
            drop(c);
            return;
        }
        c->owed += count_heads(c, buf, (size_t)n) * RESPONSE_SIZE;
    }
    if (!pay(c)) {
        drop(c);
    }
}

static void accept_some(int listener)
{
    const int on = 1;
    for (unsigned i = 0; i < ACCEPT_BATCH; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        struct client *c = calloc(1, sizeof(*c));
        struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
        if (c == NULL) {
            close(fd);
            return;
        }
        c->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0) {
            drop(c);
        }
    }
}

static int listen_on(uint16_t port)
{
    const int on = 1;
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1024) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int main(int argc, char **argv)
{
    long port = argc > 1 ? strtol(argv[1], NULL, 10) : PORT;
    for (unsigned i = 0; i < BATCH; i++) {
        memcpy(responses + i * RESPONSE_SIZE, HEAD, sizeof(HEAD) - 1);
        memset(responses + i * RESPONSE_SIZE + sizeof(HEAD) - 1, 'x', BODY_SIZE);
    }
    int listener = port > 0 && port < 65536 ? listen_on((uint16_t)port) : -1;
    struct epoll_event e = { .events = EPOLLIN }, events[EVENTS];
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (listener < 0 || epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &e) < 0) {
        say("khttp: can't listen\n");
        return 1;
    }
    say("khttp listening\n");
    for (;;) {
        int n = epoll_wait(epoll_fd, events, EVENTS, -1);
        if (n < 0 && errno != EINTR) {
            say("khttp: epoll_wait failed\n");
            return 1;
        }
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL) {
                accept_some(listener);
            } else {
                serve(events[i].data.ptr);
            }
        }
    }
}
