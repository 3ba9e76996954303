/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop: accepts, hands events to connections, watches time limits, ends in order. */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX   64
#define ACCEPT_TURN  64           /* connections taken before others get their turn */
#define BACKLOG      1024
#define ACCEPT_RETRY_NS 100000000u

uint64_t server_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- listening ---- */

/* One socket for both families where there is IPv6, otherwise one for IPv4. */
static int listen_on(unsigned port, bool ipv4_only)
{
    const int on = 1, off = 0;
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = ipv4_only ? -1 : socket(AF_INET6, type, 0);
    bool is_six = fd >= 0;
    if (is_six) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    } else {
        fd = socket(AF_INET, type, 0);
    }
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    int bound = is_six ? bind(fd, (struct sockaddr *)&six, sizeof(six))
                       : bind(fd, (struct sockaddr *)&four, sizeof(four));
    if (bound < 0 || listen(fd, BACKLOG) < 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* Have epoll look at the listener, or not. Its events have the server's address. */
static void set_accepting(struct server *s, bool on)
{
    if (s->accepting != on && s->listen_fd >= 0) {
        struct epoll_event e = { .events = on ? EPOLLIN : 0, .data.ptr = s };
        epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, s->listen_fd, &e);
        s->accepting = on;
    }
}

/* Make room for a new connection by ending the one that has been idle longest. */
static bool evict_idle(struct server *s)
{
    if (list_empty(&s->timers[WAIT_IDLE])) {
        return false;
    }
    conn_close(LIST_ENTRY(s->timers[WAIT_IDLE].next, struct conn, timer), END_EVICTED);
    return true;
}

static void accept_some(struct server *s)
{
    const int on = 1;
    for (unsigned i = 0; i < ACCEPT_TURN; i++) {
        struct sockaddr_in6 peer = { .sin6_family = AF_UNSPEC };
        socklen_t len = sizeof(peer);
        if (s->nconns >= s->opt.max_connections && !evict_idle(s)) {
            set_accepting(s, false); /* the others wait in the listener's queue */
            return;
        }
        int fd = accept4(s->listen_fd, (struct sockaddr *)&peer, &len,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
                set_accepting(s, false);
                s->retry_accept_ns = s->now_ns + ACCEPT_RETRY_NS;
            }
            return; /* EAGAIN, or a connection that broke before it was accepted */
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (peer.sin6_family == AF_INET) { /* show it as the mapped address it would have had */
            struct sockaddr_in four;
            memcpy(&four, &peer, sizeof(four));
            memset(&peer, 0, sizeof(peer));
            peer.sin6_addr.s6_addr[10] = peer.sin6_addr.s6_addr[11] = 0xff;
            memcpy(&peer.sin6_addr.s6_addr[12], &four.sin_addr, sizeof(four.sin_addr));
        }
        conn_open(s, fd, &peer);
    }
}

/* ---- time ---- */

static void expire(struct server *s)
{
    for (unsigned kind = 0; kind < WAIT_KINDS; kind++) {
        while (!list_empty(&s->timers[kind])) {
            struct conn *c = LIST_ENTRY(s->timers[kind].next, struct conn, timer);
            if (c->deadline_ns > s->now_ns) {
                break;
            }
            conn_expire(c); /* takes it off this list, or to its end */
        }
    }
    if (s->retry_accept_ns != 0 && s->retry_accept_ns <= s->now_ns) {
        s->retry_accept_ns = 0;
    }
}

/* How long epoll_wait() may sleep, in ms rounded up; -1: without limit. */
static int time_left(const struct server *s)
{
    uint64_t next = s->stopping ? s->stop_ns : UINT64_MAX;
    if (!list_empty(&s->ready) || (s->released && !list_empty(&s->starving))) {
        return 0;
    }
    for (unsigned kind = 0; kind < WAIT_KINDS; kind++) {
        if (!list_empty(&s->timers[kind])) {
            uint64_t t = LIST_ENTRY(s->timers[kind].next, struct conn, timer)->deadline_ns;
            next = t < next ? t : next;
        }
    }
    if (s->retry_accept_ns != 0 && s->retry_accept_ns < next) {
        next = s->retry_accept_ns;
    }
    if (next == UINT64_MAX) {
        return -1;
    }
    uint64_t ms = next > s->now_ns ? (next - s->now_ns + 999999) / 1000000 : 0;
    return ms < 60000 ? (int)ms : 60000;
}

/* ---- the end ---- */

/* Accept nobody any more, and close those that ask nothing. */
static void begin_stop(struct server *s)
{
    if (s->stopping) {
        return;
    }
    s->stopping = true;
    s->stop_ns = s->now_ns + (uint64_t)s->opt.grace_ms * 1000000;
    close(s->listen_fd);
    s->listen_fd = -1;
    while (!list_empty(&s->timers[WAIT_IDLE])) {
        conn_close(LIST_ENTRY(s->timers[WAIT_IDLE].next, struct conn, timer), END_STOP);
    }
}

static void bury(struct server *s)
{
    while (!list_empty(&s->dead)) {
        struct conn *c = LIST_ENTRY(s->dead.next, struct conn, timer);
        list_remove(&c->timer);
        free(c);
    }
}

static void close_all(struct server *s)
{
    for (unsigned kind = 0; kind < WAIT_KINDS; kind++) {
        while (!list_empty(&s->timers[kind])) {
            conn_close(LIST_ENTRY(s->timers[kind].next, struct conn, timer), END_STOP);
        }
    }
    bury(s);
    free(s->spare);
    close(s->epoll_fd);
    close(s->root_fd);
}

/* ---- the loop ---- */

int server_open(struct server *s, const struct options *opt)
{
    *s = (struct server){ .opt = *opt };
    for (unsigned kind = 0; kind < WAIT_KINDS; kind++) {
        list_init(&s->timers[kind]);
    }
    list_init(&s->ready);
    list_init(&s->starving);
    list_init(&s->dead);
    s->now_ns = s->count.started_ns = server_clock();
    s->root_fd = open(opt->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->root_fd < 0) {
        text_say("%s: %s", opt->root, strerror(errno));
        return -1;
    }
    s->listen_fd = listen_on(opt->port, opt->ipv4_only);
    if (s->listen_fd < 0) {
        text_say("port %u: %s", opt->port, strerror(errno));
        return -1;
    }
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = s };
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll_fd < 0 || epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->listen_fd, &e) < 0) {
        text_say("epoll: %s", strerror(errno));
        return -1;
    }
    s->accepting = true;
    return 0;
}

/* Those whose turn it is without an event; who queues up again meanwhile comes next round. */
static void run_ready(struct server *s)
{
    struct link end;
    list_init(&end);
    list_append(&s->ready, &end);
    while (s->ready.next != &end) {
        conn_turn(LIST_ENTRY(s->ready.next, struct conn, queue));
    }
    list_remove(&end);
}

/* Requests that had to wait get their turn as far as buffers have become free. */
static void feed_starving(struct server *s)
{
    unsigned n = s->opt.max_requests - s->nexchanges;
    s->released = false;
    for (; n > 0 && !list_empty(&s->starving); n--) {
        list_append(&s->ready, s->starving.next);
    }
}

static int run_round(struct server *s, int *stop_fd)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(s->epoll_fd, events, EVENTS_MAX, time_left(s));
    if (n < 0 && errno != EINTR) {
        text_say("epoll_wait: %s", strerror(errno));
        return -1;
    }
    s->now_ns = server_clock();
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == s) {
            if (s->listen_fd >= 0) {
                accept_some(s);
            }
        } else if (events[i].data.ptr == stop_fd) {
            epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, *stop_fd, NULL);
            begin_stop(s);
        } else if (events[i].data.ptr == &s->opt.work) {
            s->opt.work(s);
        } else {
            conn_event(events[i].data.ptr, events[i].events);
        }
    }
    expire(s);
    feed_starving(s);
    run_ready(s);
    bury(s);
    bool room = s->nconns < s->opt.max_connections || !list_empty(&s->timers[WAIT_IDLE]);
    if (room && s->retry_accept_ns == 0) {
        set_accepting(s, true);
    }
    return 0;
}

int server_run(struct server *s, int stop_fd)
{
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = &stop_fd };
    if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, stop_fd, &e) < 0) {
        text_say("epoll: %s", strerror(errno));
        return 1;
    }
    int status = 0;
    while (!(s->stopping && (s->nconns == 0 || s->now_ns >= s->stop_ns))) {
        if (run_round(s, &stop_fd) < 0) {
            status = 1;
            break;
        }
    }
    close_all(s);
    return status;
}
