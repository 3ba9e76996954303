/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * echo: sends back what it gets, by TCP and UDP, IPv4 and IPv6 (RFC 862). An example of a server:
 * one thread, epoll, a buffer per connection, and an end in order on SIGTERM.
 *
 *     echo [PORT]         the port is 7 without one
 */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_PORT 7
#define EVENTS       64
#define TURN         64    /* connections or datagrams before others get their turn */
#define BUFFER_SIZE  16384
#define DATAGRAM_MAX 65535

/* A TCP connection: what was read and not sent yet, buf[begin..end). */
struct client {
    int fd;
    uint32_t events; /* that epoll waits for */
    bool eof;        /* the client sends no more */
    size_t begin, end;
    char buf[BUFFER_SIZE];
};

static int epoll_fd, stop_fd = -1;
static char datagram[DATAGRAM_MAX];

/* What epoll gives back for those who are no clients. */
static char tcp_tag, udp_tag, stop_tag;

static void on_stop(int sig)
{
    const uint64_t one = 1;
    int error = errno;
    (void)sig;
    if (write(stop_fd, &one, sizeof(one)) < 0) {
        /* It is full, so the loop wakes anyway. */
    }
    errno = error;
}

static void drop(struct client *c)
{
    close(c->fd);
    free(c);
}

static void watch(struct client *c, uint32_t events)
{
    struct epoll_event e = { .events = events, .data.ptr = c };
    if (c->events != events) {
        epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
        c->events = events;
    }
}

static bool try_later(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* Read once and send what can be sent. Nothing is read while something waits to be sent. */
static void echo_stream(struct client *c)
{
    if (c->begin == c->end && !c->eof) {
        ssize_t n = read(c->fd, c->buf, sizeof(c->buf));
        if (n < 0) {
            if (!try_later()) {
                drop(c);
            }
            return;
        }
        c->eof = n == 0;
        c->begin = 0;
        c->end = (size_t)n;
    }
    while (c->begin < c->end) {
        ssize_t n = send(c->fd, c->buf + c->begin, c->end - c->begin, MSG_NOSIGNAL);
        if (n < 0) {
            if (!try_later()) {
                drop(c);
                return;
            }
            break;
        }
        c->begin += (size_t)n;
    }
    if (c->eof && c->begin == c->end) {
        drop(c);
        return;
    }
    watch(c, c->begin < c->end ? EPOLLOUT : EPOLLIN);
}

static void accept_some(int listener)
{
    for (unsigned i = 0; i < TURN; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        struct client *c = malloc(sizeof(*c));
        struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
        if (c == NULL) {
            close(fd);
            return;
        }
        c->fd = fd;
        c->events = EPOLLIN;
        c->eof = false;
        c->begin = c->end = 0;
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0) {
            drop(c);
        }
    }
}

/* A datagram that can't be sent back is lost, as datagrams are. */
static void echo_datagrams(int fd)
{
    for (unsigned i = 0; i < TURN; i++) {
        struct sockaddr_in6 from;
        socklen_t len = sizeof(from);
        ssize_t n = recvfrom(fd, datagram, sizeof(datagram), 0, (struct sockaddr *)&from, &len);
        if (n < 0) {
            return;
        }
        sendto(fd, datagram, (size_t)n, 0, (struct sockaddr *)&from, len);
    }
}

/* A socket of both families, bound and watched; -1 with a word where that can't be. */
static int open_port(int type, uint16_t port, void *tag)
{
    const int on = 1, off = 0;
    struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = tag };
    int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    }
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
        (type == SOCK_STREAM && listen(fd, 512) < 0) ||
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0) {
        fprintf(stderr, "echo: port %u: %s\n", port, strerror(errno));
        return -1;
    }
    return fd;
}

static int run(int tcp, int udp)
{
    for (;;) {
        struct epoll_event events[EVENTS];
        int n = epoll_wait(epoll_fd, events, EVENTS, -1);
        if (n < 0 && errno != EINTR) {
            perror("echo: epoll_wait");
            return 1;
        }
        for (int i = 0; i < n; i++) {
            void *what = events[i].data.ptr;
            if (what == &stop_tag) {
                return 0;
            }
            if (what == &tcp_tag) {
                accept_some(tcp);
            } else if (what == &udp_tag) {
                echo_datagrams(udp);
            } else {
                echo_stream(what);
            }
        }
    }
}

int main(int argc, char **argv)
{
    long port = argc > 1 ? strtol(argv[1], NULL, 10) : DEFAULT_PORT;
    if (port < 1 || port > 65535) {
        fprintf(stderr, "usage: echo [PORT]\n");
        return 2;
    }
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = &stop_tag };
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (epoll_fd < 0 || stop_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, stop_fd, &e) < 0) {
        perror("echo");
        return 1;
    }
    int tcp = open_port(SOCK_STREAM, (uint16_t)port, &tcp_tag);
    int udp = tcp >= 0 ? open_port(SOCK_DGRAM, (uint16_t)port, &udp_tag) : -1;
    if (udp < 0) {
        return 1;
    }
    signal(SIGTERM, on_stop);
    signal(SIGINT, on_stop);
    fprintf(stderr, "echo: port %ld, TCP and UDP\n", port);
    return run(tcp, udp);
}
