/* SPDX-License-Identifier: BSD-2-Clause */
/* Large transfers: every byte arrives in order, whatever the sizes of writes, reads and buffers. */
#include "tests.h"

#define PAIRS 4

struct way {
    int fd;
    uint32_t seed;
    size_t len;
};

static void *send_way(void *arg)
{
    struct way *w = arg;
    send_stream(w->fd, w->seed, w->len);
    shutdown(w->fd, SHUT_WR);
    return NULL;
}

static void *receive_way(void *arg)
{
    struct way *w = arg;
    char c;
    check_stream(w->fd, w->seed, w->len);
    SAME(recv(w->fd, &c, 1, 0), 0);
    return NULL;
}

/* len bytes each way at once over each of n pairs, by four threads a pair. */
static void both_ways(int pairs[][2], int n, size_t len)
{
    pthread_t t[4 * PAIRS];
    struct way ways[4 * PAIRS];
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < 2; k++) {
            struct way out = { pairs[i][k], (uint32_t)(17 * i + k), len };
            struct way in = { pairs[i][1 - k], (uint32_t)(17 * i + k), len };
            ways[4 * i + 2 * k] = out;
            ways[4 * i + 2 * k + 1] = in;
        }
    }
    for (int i = 0; i < 4 * n; i++) {
        start(&t[i], i % 2 == 0 ? send_way : receive_way, &ways[i]);
    }
    for (int i = 0; i < 4 * n; i++) {
        pthread_join(t[i], NULL);
    }
    for (int i = 0; i < n; i++) {
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
}

void bulk_both_ways(void)
{
    int pairs[PAIRS][2];
    for (int i = 0; i < PAIRS; i++) {
        tcp_pair(pairs[i]);
    }
    both_ways(pairs, PAIRS, 1500000);
}

/* Windows and queues of a few KiB: senders and the window stop and go all the time. */
void bulk_small_buffers(void)
{
    uint16_t port;
    int p[1][2], l = listener(1, &port);
    struct sockaddr_in a = v4(port);
    set_int(l, SOL_SOCKET, SO_RCVBUF, 3000);
    set_int(l, SOL_SOCKET, SO_SNDBUF, 2500);
    p[0][0] = socket(AF_INET, SOCK_STREAM, 0);
    set_int(p[0][0], SOL_SOCKET, SO_RCVBUF, 2000);
    set_int(p[0][0], SOL_SOCKET, SO_SNDBUF, 5000);
    NEED(connect(p[0][0], SA(a), sizeof(a)) == 0);
    p[0][1] = accept(l, NULL, NULL);
    close(l);
    both_ways(p, 1, 200000);
}

/* A reader that sleeps while single bytes come: they wait in little memory, and none is lost. */
void bulk_tiny_writes(void)
{
    int p[2];
    char got[4096];
    tcp_pair(p);
    set_int(p[0], IPPROTO_TCP, TCP_NODELAY, 1);
    for (int i = 0; i < 10000; i++) {
        char c = (char)(i * 7);
        SAME(send(p[0], &c, 1, 0), 1);
    }
    for (int done = 0; done < 10000;) {
        ssize_t n = recv(p[1], got, sizeof(got), 0);
        if (n <= 0) {
            fail_at(__FILE_NAME__, __LINE__, "recv", errno);
            break;
        }
        for (ssize_t i = 0; i < n; i++, done++) {
            if (got[i] != (char)(done * 7)) {
                fail_at(__FILE_NAME__, __LINE__, "a wrong byte at", done);
                done = 10000;
            }
        }
    }
    close(p[0]);
    close(p[1]);
}

void bulk_v6(void)
{
    struct sockaddr_in6 a = v6(0);
    int p[1][2], l = socket(AF_INET6, SOCK_STREAM, 0);
    NEED(bind(l, SA(a), sizeof(a)) == 0);
    NEED(listen(l, 1) == 0);
    a = v6(port_of(l));
    p[0][0] = socket(AF_INET6, SOCK_STREAM, 0);
    NEED(connect(p[0][0], SA(a), sizeof(a)) == 0);
    p[0][1] = accept(l, NULL, NULL);
    close(l);
    both_ways(p, 1, 500000);
}
