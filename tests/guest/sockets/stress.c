/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that open, connect, send, receive, shut down and close at random on shared sockets: what
 * comes of a call is not foretold, but every call returns and the machine stands.
 */
#include "tests.h"

#include <fcntl.h>

#define THREADS 6
#define SLOTS   12
#define ROUNDS  4000

static int slots[SLOTS];
static struct sockaddr_in server;

/* Take what is in a slot away, so that nobody else closes it. */
static int take(int i)
{
    return __atomic_exchange_n(&slots[i], -1, __ATOMIC_ACQ_REL);
}

static void put(int i, int fd)
{
    int old = __atomic_exchange_n(&slots[i], fd, __ATOMIC_ACQ_REL);
    if (old >= 0) {
        close(old);
    }
}

static void act(int l, uint32_t *random)
{
    static __thread char block[9000];
    int i = (int)(next_random(random) % SLOTS);
    int fd = __atomic_load_n(&slots[i], __ATOMIC_ACQUIRE);
    size_t n = next_random(random) % sizeof(block) + 1;
    struct linger reset = { 1, 0 };
    struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
    switch (next_random(random) % 12) {
    case 0:
    case 1:
        fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        NEED(fd >= 0);
        connect(fd, SA(server), sizeof(server));
        put(i, fd);
        break;
    case 2:
    case 3:
        fd = accept4(l, NULL, NULL, SOCK_NONBLOCK);
        if (fd >= 0) {
            put(i, fd);
        }
        break;
    case 4:
        fd = take(i);
        if (fd >= 0) {
            close(fd);
        }
        break;
    case 5:
        shutdown(fd, (int)(next_random(random) % 3));
        break;
    case 6:
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        break;
    case 7:
        poll(&p, 1, (int)(next_random(random) % 3));
        break;
    case 8:
    case 9:
        send(fd, block, n, MSG_NOSIGNAL | (next_random(random) % 8 == 0 ? MSG_MORE : 0));
        break;
    default:
        recv(fd, block, n, next_random(random) % 4 == 0 ? MSG_PEEK : 0);
        break;
    }
}

struct worker {
    int l;
    uint32_t seed;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < ROUNDS; i++) {
        act(w->l, &w->seed);
    }
    return NULL;
}

void stress(void)
{
    pthread_t t[THREADS];
    struct worker w[THREADS];
    uint16_t port;
    int l = listener(20, &port), fd;
    server = v4(port);
    for (int i = 0; i < SLOTS; i++) {
        slots[i] = -1;
    }
    NEED(fcntl(l, F_SETFL, O_NONBLOCK) == 0);
    for (int i = 0; i < THREADS; i++) {
        w[i] = (struct worker){ l, (uint32_t)(i * 7919 + 1) };
        start(&t[i], work, &w[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], NULL);
    }
    for (int i = 0; i < SLOTS; i++) {
        fd = take(i);
        if (fd >= 0) {
            close(fd);
        }
    }
    close(l);
    settled_free_pages(); /* no connection stays */
}
