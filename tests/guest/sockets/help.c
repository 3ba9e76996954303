/* SPDX-License-Identifier: BSD-2-Clause */
/* What all checks use: sockets that are ready, streams whose bytes can be foretold. */
#include <stdio.h>

#include "tests.h"

#include <pith/page.h>
#include <pith/netstats.h>

struct sockaddr_in v4(uint16_t port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

struct sockaddr_in6 v6(uint16_t port)
{
    struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    a.sin6_addr.s6_addr[15] = 1;
    return a;
}

uint16_t port_of(int fd)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    NEED(getsockname(fd, SA(ss), &len) == 0);
    return ntohs(ss.ss_family == AF_INET ? ((struct sockaddr_in *)&ss)->sin_port
                                         : ((struct sockaddr_in6 *)&ss)->sin6_port);
}

int listener(int backlog, uint16_t *port)
{
    struct sockaddr_in a = v4(0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    NEED(fd >= 0);
    NEED(bind(fd, SA(a), sizeof(a)) == 0);
    NEED(listen(fd, backlog) == 0);
    *port = port_of(fd);
    return fd;
}

void tcp_pair(int p[2])
{
    uint16_t port;
    int l = listener(1, &port);
    struct sockaddr_in a = v4(port);
    p[0] = socket(AF_INET, SOCK_STREAM, 0);
    NEED(connect(p[0], SA(a), sizeof(a)) == 0);
    p[1] = accept(l, NULL, NULL);
    NEED(p[1] >= 0);
    close(l);
}

int udp_bound(uint16_t *port)
{
    struct sockaddr_in a = v4(0);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    NEED(fd >= 0);
    NEED(bind(fd, SA(a), sizeof(a)) == 0);
    *port = port_of(fd);
    return fd;
}

void set_int(int fd, int level, int name, int value)
{
    NEED(setsockopt(fd, level, name, &value, sizeof(value)) == 0);
}

void set_time(int fd, int name, int ms)
{
    struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
    NEED(setsockopt(fd, SOL_SOCKET, name, &tv, sizeof(tv)) == 0);
}

long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static unsigned char byte_at(uint32_t seed, size_t at)
{
    uint32_t x = (uint32_t)(at / 4 + 1) * 2654435761u ^ seed;
    return (unsigned char)((x ^ x >> 15) >> (at % 4 * 8));
}

void send_stream(int fd, uint32_t seed, size_t len)
{
    static __thread unsigned char buf[20000];
    uint32_t random = seed;
    for (size_t done = 0; done < len;) {
        size_t n = next_random(&random) % sizeof(buf) + 1;
        n = n < len - done ? n : len - done;
        for (size_t i = 0; i < n; i++) {
            buf[i] = byte_at(seed, done + i);
        }
        ssize_t r = send(fd, buf, n, MSG_NOSIGNAL);
        if (r != (ssize_t)n) {
            fail_at(__FILE_NAME__, __LINE__, "send", r < 0 ? -errno : r);
            return;
        }
        done += n;
    }
}

void check_stream(int fd, uint32_t seed, size_t len)
{
    static __thread unsigned char buf[20000];
    uint32_t random = ~seed;
    for (size_t done = 0; done < len;) {
        size_t n = next_random(&random) % sizeof(buf) + 1;
        ssize_t r = recv(fd, buf, n < len - done ? n : len - done, 0);
        if (r <= 0) {
            fail_at(__FILE_NAME__, __LINE__, "recv", r < 0 ? -errno : (long long)done);
            return;
        }
        for (ssize_t i = 0; i < r; i++) {
            if (buf[i] != byte_at(seed, done + (size_t)i)) {
                fail_at(__FILE_NAME__, __LINE__, "a wrong byte at", (long long)done + i);
                return;
            }
        }
        done += (size_t)r;
    }
}

uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Connections that exist, those in TIME_WAIT with them. */
static uint64_t connections(void)
{
    static struct net_stat stats[NET_STATS_MAX];
    unsigned n = net_stats(stats);
    uint64_t sum = 0;
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(stats[i].name, "tcp_connections") == 0 ||
            strcmp(stats[i].name, "tcp_time_wait") == 0) {
            sum += stats[i].value;
        }
    }
    return sum;
}

size_t settled_free_pages(void)
{
    struct page_stats stats;
    long deadline = now_ms() + 30000;
    while (connections() > 0 && now_ms() < deadline) {
        usleep(50000);
    }
    SAME(connections(), 0);
    page_stats(&stats);
    return stats.free;
}

void start(pthread_t *t, void *(*fn)(void *), void *arg)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 32 << 10);
    int r = pthread_create(t, &attr, fn, arg);
    pthread_attr_destroy(&attr);
    if (r != 0) {
        printf("no thread: %s\n", strerror(r));
        exit(1);
    }
}
