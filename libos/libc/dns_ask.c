/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asking name servers: by UDP, several questions side by side; by TCP what UDP truncates (RFC 7766).
 *
 * An answer counts only when it comes from the server's address and port (the socket is connected) to
 * our port, which the stack picks at random, with our random id and our question (RFC 5452).
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <pith/netinfo.h>

#include "netdb_impl.h"

#define MAX_SERVERS 3
#define ROUNDS      2
#define TCP_MAX     4096 /* of an answer; more addresses than we keep fit into it */

static const int timeout_ms[ROUNDS] = {2000, 3000};

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool dns_prepare(struct dns_lookup *l, const char *name, uint16_t type)
{
    uint16_t id;
    if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id)) {
        id = (uint16_t)now_ms(); /* can't happen; the port is still random */
    }
    l->done = false;
    l->len = dns_question(l->question, id, name, type);
    return l->len > 0;
}

/* Wait for events; false at the deadline. */
static bool wait_for(int fd, short events, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - now_ms();
        struct pollfd p = {.fd = fd, .events = events};
        if (left <= 0) {
            return false;
        }
        int n = poll(&p, 1, (int)left);
        if (n > 0) {
            return true;
        }
        if (n < 0 && errno != EINTR) {
            return false;
        }
    }
}

static int open_socket(const struct sockaddr_storage *server, int type)
{
    int fd = socket(server->ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t len = server->ss_family == AF_INET ? sizeof(struct sockaddr_in)
                                                 : sizeof(struct sockaddr_in6);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)server, len) != 0 && errno != EINPROGRESS) {
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

/* Transfer all of buf; false: it broke, or the deadline came. */
static bool transfer(int fd, uint8_t *buf, size_t len, bool out, int64_t deadline)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = out ? send(fd, buf + done, len - done, MSG_NOSIGNAL)
                        : recv(fd, buf + done, len - done, 0);
        if (n > 0) {
            done += (size_t)n;
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR && errno != ENOTCONN)) {
            return false;
        } else if (!wait_for(fd, out ? POLLOUT : POLLIN, deadline)) {
            return false;
        }
    }
    return true;
}

/* The same question by TCP: each message has its length before it. */
static enum dns_verdict ask_by_tcp(const struct sockaddr_storage *server, struct dns_lookup *l,
                                   int64_t deadline)
{
    uint8_t buf[TCP_MAX];
    enum dns_verdict verdict = DNS_FAILED;
    int fd = open_socket(server, SOCK_STREAM);
    if (fd < 0) {
        return DNS_FAILED;
    }
    buf[0] = (uint8_t)(l->len >> 8);
    buf[1] = (uint8_t)l->len;
    memcpy(buf + 2, l->question, (size_t)l->len);
    if (wait_for(fd, POLLOUT, deadline) && transfer(fd, buf, (size_t)l->len + 2, true, deadline) &&
        transfer(fd, buf, 2, false, deadline)) {
        size_t len = (size_t)buf[0] << 8 | buf[1];
        if (len <= sizeof(buf) && transfer(fd, buf, len, false, deadline)) {
            verdict = dns_read(buf, len, l->question, &l->answer);
        }
    }
    close(fd);
    return verdict == DNS_TRUNCATED || verdict == DNS_NOT_OURS ? DNS_FAILED : verdict;
}

/* Give a received message to the question that it answers. */
static void deliver(const struct sockaddr_storage *server, const uint8_t *msg, size_t len,
                    struct dns_lookup *lookups, unsigned n, int64_t deadline)
{
    for (unsigned i = 0; i < n; i++) {
        struct dns_lookup *l = &lookups[i];
        enum dns_verdict verdict = l->done ? DNS_NOT_OURS : dns_read(msg, len, l->question, &l->answer);
        if (verdict == DNS_NOT_OURS) {
            continue;
        }
        if (verdict == DNS_TRUNCATED) {
            verdict = ask_by_tcp(server, l, deadline);
        }
        l->done = true;
        l->verdict = verdict;
        return;
    }
}

static bool all_done(const struct dns_lookup *lookups, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (!lookups[i].done) {
            return false;
        }
    }
    return true;
}

/* Ask one server what is not done yet, until the deadline. -1: it can't be reached, errno. */
static int ask_server(const struct sockaddr_storage *server, struct dns_lookup *lookups, unsigned n,
                      int64_t deadline)
{
    uint8_t buf[DNS_UDP_MAX];
    int fd = open_socket(server, SOCK_DGRAM);
    if (fd < 0) {
        return -1;
    }
    int result = 0;
    for (unsigned i = 0; i < n && result == 0; i++) {
        if (!lookups[i].done &&
            send(fd, lookups[i].question, (size_t)lookups[i].len, MSG_NOSIGNAL) < 0 && errno != EAGAIN) {
            result = -1;
        }
    }
    while (result == 0 && !all_done(lookups, n) && wait_for(fd, POLLIN, deadline)) {
        ssize_t len = recv(fd, buf, sizeof(buf), 0);
        if (len >= 0) {
            deliver(server, buf, (size_t)len, lookups, n, deadline);
        } else if (errno != EAGAIN && errno != EINTR) {
            result = -1; /* ECONNREFUSED: nobody is there */
        }
    }
    int reason = errno;
    close(fd);
    errno = reason;
    return result;
}

int dns_ask(struct dns_lookup *lookups, unsigned n)
{
    struct sockaddr_storage servers[MAX_SERVERS];
    unsigned count = net_dns_servers(servers, MAX_SERVERS);
    bool failed = false;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < count; i++) {
            if (ask_server(&servers[i], lookups, n, now_ms() + timeout_ms[round]) != 0 &&
                (errno == EMFILE || errno == ENOMEM || errno == ENOBUFS)) {
                return EAI_SYSTEM;
            }
            /* A server that could not answer is no last word while there are others. */
            failed = false;
            for (unsigned k = 0; k < n; k++) {
                if (lookups[k].done && lookups[k].verdict == DNS_FAILED) {
                    lookups[k].done = false;
                    failed = true;
                }
            }
            if (all_done(lookups, n)) {
                return 0;
            }
        }
        if (failed) {
            break; /* they do answer, only not this */
        }
    }
    return EAI_AGAIN;
}
