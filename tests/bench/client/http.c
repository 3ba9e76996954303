/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP requests at fixed moments, whether or not earlier ones have been answered: request number i is due
 * at i / rate, and its time counts from then, also while it waits for a free connection. A server that
 * stalls is so charged for all who would have come meanwhile.
 */
#define _GNU_SOURCE
#include "client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 4096
#define EVENTS          64
#define CLOSED_NS       (60 * SECOND_NS) /* a closed loop that takes longer is over */

static const char request[] = "GET / HTTP/1.1\r\nHost: pith\r\n\r\n";

struct connection {
    int fd;
    uint64_t due;   /* of the request that is on its way */
    size_t missing; /* of its answer */
};

static struct connection all[MAX_CONNECTIONS];
static struct connection *idle[MAX_CONNECTIONS]; /* a stack */
static unsigned nidle;
static size_t answer_size;

/* The size of an answer, learned from the first one: later ones are the same. */
static void learn(struct connection *c)
{
    char head[16384];
    size_t have = 0;
    char *body = NULL, *length = NULL;

    if (write(c->fd, request, sizeof(request) - 1) != (ssize_t)sizeof(request) - 1) {
        fail("first request");
    }
    while (answer_size == 0 || have < answer_size) {
        ssize_t n = read(c->fd, head + have, sizeof(head) - 1 - have);
        if (n <= 0) {
            fail("first answer");
        }
        have += (size_t)n;
        head[have] = '\0';
        body = strstr(head, "\r\n\r\n");
        length = strcasestr(head, "content-length:");
        if (body != NULL && length != NULL) {
            answer_size = (size_t)(body + 4 - head) + strtoul(length + 15, NULL, 10);
        }
    }
}

static void ask(struct connection *c, uint64_t due)
{
    c->due = due;
    c->missing = answer_size;
    if (write(c->fd, request, sizeof(request) - 1) != (ssize_t)sizeof(request) - 1) {
        fail("request");
    }
}

static void hear(struct connection *c)
{
    char buffer[65536];
    ssize_t n = read(c->fd, buffer, c->missing < sizeof(buffer) ? c->missing : sizeof(buffer));
    if (n <= 0) {
        fail("answer");
    }
    c->missing -= (size_t)n;
    if (c->missing == 0) {
        sample_add(now_ns() - c->due);
        idle[nidle++] = c;
    }
}

static int open_all(const char *address, uint16_t port, unsigned connections)
{
    int ep = epoll_create1(0);
    if (ep < 0 || connections == 0 || connections > MAX_CONNECTIONS) {
        fail("connections");
    }
    for (unsigned i = 0; i < connections; i++) {
        struct connection *c = &all[i];
        struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
        c->fd = dial(address, port, SOCK_STREAM);
        if (i == 0) {
            learn(c);
        }
        if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e) != 0) {
            fail("epoll_ctl");
        }
        idle[nidle++] = c;
    }
    return ep;
}

void http_run(const char *address, uint16_t port, unsigned connections, double rate, double seconds)
{
    int ep = open_all(address, port, connections);
    uint64_t total = rate > 0 ? (uint64_t)(rate * seconds) : (uint64_t)seconds, asked = 0, start = now_ns();
    /* Who can't keep up gets as long again, then it is over. */
    uint64_t end = start + (rate > 0 ? (uint64_t)(2 * seconds * SECOND_NS) : CLOSED_NS);

    while ((asked < total || nidle < connections) && now_ns() < end) {
        struct epoll_event events[EVENTS];
        uint64_t now = now_ns(), due = rate > 0 ? start + (uint64_t)((double)asked / rate * 1e9) : now;
        if (asked < total && nidle > 0 && due <= now) {
            ask(idle[--nidle], due);
            asked++;
            continue;
        }
        /* A sleep may overshoot by a millisecond's part: the last one is spent asking. */
        int wait = asked < total && nidle > 0 ? (due - now > 2000000 ? 1 : 0) : 100;
        int n = epoll_wait(ep, events, EVENTS, wait);
        for (int i = 0; i < n; i++) {
            hear(events[i].data.ptr);
        }
    }
    printf("asked %llu unanswered %llu seconds %.6f", (unsigned long long)asked,
           (unsigned long long)(total - asked + connections - nidle), (double)(now_ns() - start) / 1e9);
    sample_print();
    puts("");
}
