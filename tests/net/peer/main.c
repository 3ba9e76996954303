/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The peer of the network tests: TCP services (services.h), UDP echo on port 7, and UDP port 1, which
 * answers "memory" and "stats" with numbers, ends the program at "quit", and after "last" at the end
 * of a source.
 *
 * Plain POSIX with epoll: it is built for Linux too, where the tests themselves are tried out.
 */
#define _GNU_SOURCE /* accept4() */

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef __pith__
#include <pith/heap.h>
#include <pith/netstats.h>
#include <pith/page.h>
#endif

#include "services.h"

#define EVENTS 64
#define PORT_CONTROL 1

/* What an event's data.ptr leads to, when it is none of the connections. */
struct endpoint {
    int fd;
    int port;
};

static struct endpoint listeners[] = {
    {-1, SERVICE_ECHO}, {-1, SERVICE_DISCARD}, {-1, SERVICE_SOURCE}, {-1, SERVICE_SINK},
};
static struct endpoint udp_echo = {-1, SERVICE_ECHO}, udp_control = {-1, PORT_CONTROL};
static unsigned long accepted;
static bool last; /* the next source that is done is the last */
static int epoll;

static int endpoint_open(struct endpoint *e, int type)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)e->port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = e};
    int one = 1, zero = 0;
    e->fd = socket(AF_INET6, type | SOCK_NONBLOCK, 0);
    if (e->fd < 0 || setsockopt(e->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        setsockopt(e->fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero)) < 0 ||
        bind(e->fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
        (type == SOCK_STREAM && listen(e->fd, 1024) < 0) ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, e->fd, &event) < 0) {
        fprintf(stderr, "port %d: %s\n", e->port, strerror(errno));
        return -1;
    }
    return 0;
}

static void accept_all(const struct endpoint *e)
{
    for (;;) {
        int fd = accept4(e->fd, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno != EAGAIN && errno != ECONNABORTED) {
                fprintf(stderr, "accept: %s\n", strerror(errno));
            }
            return;
        }
        accepted++;
        struct conn *c = conn_open(epoll, fd, (enum service)e->port);
        if (!c) {
            fprintf(stderr, "no memory for a connection\n");
        }
    }
}

/* What has to be the same again when everybody has gone. */
static int memory_words(char *out, size_t size)
{
#ifdef __pith__
    struct page_stats pages;
    struct heap_stats heap;
    page_stats(&pages);
    heap_stats(&heap);
    return snprintf(out, size, "free %zu heap %zu small %zu large %zu conns %u accepted %lu\n",
                    pages.free, heap.pages, heap.small_bytes, heap.large_pages, conn_count, accepted);
#else
    return snprintf(out, size, "free 0 heap 0 small 0 large 0 conns %u accepted %lu\n", conn_count,
                    accepted);
#endif
}

/* The network's own counters. */
static int stats_words(char *out, size_t size)
{
    int n = 0;
#ifdef __pith__
    static struct net_stat stats[NET_STATS_MAX];
    unsigned count = net_stats(stats);
    for (unsigned i = 0; i < count && n < (int)size; i++) {
        n += snprintf(out + n, size - (size_t)n, "%s %llu ", stats[i].name,
                      (unsigned long long)stats[i].value);
    }
#else
    (void)out;
    (void)size;
#endif
    return n;
}

/* Returns false when it was asked to end. */
static bool datagram(const struct endpoint *e)
{
    static char data[65536];
    struct sockaddr_storage from;
    bool go_on = true;
    for (;;) {
        socklen_t length = sizeof(from);
        ssize_t n = recvfrom(e->fd, data, sizeof(data), 0, (struct sockaddr *)&from, &length);
        if (n < 0) {
            return go_on;
        }
        if (e->port == PORT_CONTROL) {
            go_on = go_on && !(n == 4 && memcmp(data, "quit", 4) == 0);
            last = last || (n == 4 && memcmp(data, "last", 4) == 0);
            bool stats = n == 5 && memcmp(data, "stats", 5) == 0;
            n = stats ? stats_words(data, sizeof(data)) : memory_words(data, sizeof(data));
        }
        sendto(e->fd, data, (size_t)n, 0, (struct sockaddr *)&from, length);
    }
}

static bool handle(void *who)
{
    for (unsigned i = 0; i < sizeof(listeners) / sizeof(listeners[0]); i++) {
        if (who == &listeners[i]) {
            accept_all(&listeners[i]);
            return true;
        }
    }
    if (who == &udp_echo || who == &udp_control) {
        return datagram(who);
    }
    unsigned done = sources_done;
    conn_run(who);
    return !(last && sources_done > done);
}

int main(void)
{
    epoll = epoll_create1(0);
    for (unsigned i = 0; i < sizeof(listeners) / sizeof(listeners[0]); i++) {
        if (endpoint_open(&listeners[i], SOCK_STREAM) < 0) {
            return 1;
        }
    }
    if (endpoint_open(&udp_echo, SOCK_DGRAM) < 0 || endpoint_open(&udp_control, SOCK_DGRAM) < 0) {
        return 1;
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct epoll_event events[EVENTS];
        int n = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (!handle(events[i].data.ptr)) {
                return 0;
            }
        }
    }
}
