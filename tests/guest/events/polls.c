/* SPDX-License-Identifier: BSD-2-Clause */
/* poll(), ppoll(), select(), pselect(): results, errors, times. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests.h"

#define MS 1000000ul

static void results(void)
{
    int p[2];
    EQ(pipe(p), 0);
    struct pollfd f[4] = { { p[0], POLLIN, 99 }, { p[1], POLLOUT, 99 }, { -1, POLLIN, 99 },
                           { 999, POLLIN, 99 } };
    EQ(poll(f, 4, -1), 2);
    EQ(f[0].revents, 0);
    EQ(f[1].revents, POLLOUT);
    EQ(f[2].revents, 0);
    EQ(f[3].revents, POLLNVAL);
    EQ(poll(f, 1, 0), 0);
    EQ(poll(NULL, 0, 0), 0);
    unsigned long start = now_ns();
    EQ(poll(f, 1, 15), 0);
    OK(now_ns() - start >= 15 * MS);
    struct timespec ts = { 0, 1500000 };
    start = now_ns();
    EQ(ppoll(f, 1, &ts, NULL), 0);
    OK(now_ns() - start >= 1500000);
    ts.tv_nsec = 1000000000;
    FAILS(ppoll(f, 1, &ts, NULL), EINVAL);
    FAILS(poll(f, 1u << 20, 0), EINVAL);
    FAILS(poll(NULL, 1, 0), EFAULT);
    EQ(write(p[1], "x", 1), 1);
    f[0].events = 0; /* not asked for */
    EQ(poll(f, 1, 0), 0);
    close(p[1]);
    EQ(poll(f, 1, -1), 1);
    EQ(f[0].revents, POLLHUP);
    close(p[0]);
}

static void *write_soon(void *arg)
{
    usleep(10000);
    EQ(write(*(int *)arg, "x", 1), 1);
    return NULL;
}

/* More descriptors than there is room for on the stack, the last of which becomes ready. */
static void many(void)
{
    enum { N = 300 };
    struct pollfd f[N];
    int p[2], e[N];
    pthread_t t;
    char c;
    EQ(pipe(p), 0);
    for (int i = 0; i < N - 1; i++) {
        e[i] = eventfd(0, 0);
        f[i] = (struct pollfd){ e[i], POLLIN, 0 };
    }
    f[N - 1] = (struct pollfd){ p[0], POLLIN, 0 };
    for (int i = 0; i < 3; i++) {
        EQ(pthread_create(&t, NULL, write_soon, &p[1]), 0);
        EQ(poll(f, N, i == 0 ? -1 : 10000), 1);
        EQ(f[N - 1].revents, POLLIN);
        EQ(read(p[0], &c, 1), 1);
        pthread_join(t, NULL);
    }
    for (int i = 0; i < N - 1; i++) {
        close(e[i]);
    }
    close(p[0]);
    close(p[1]);
}

static void selects(void)
{
    int p[2];
    fd_set r, w, x;
    char c;
    EQ(pipe(p), 0);
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_ZERO(&x);
    FD_SET(p[0], &r);
    FD_SET(p[1], &w);
    FD_SET(p[0], &x);
    EQ(select(p[1] + 1, &r, &w, &x, NULL), 1);
    OK(!FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w) && !FD_ISSET(p[0], &x));
    EQ(write(p[1], "x", 1), 1);
    FD_SET(p[0], &r);
    EQ(select(p[1] + 1, &r, &w, NULL, NULL), 2);
    EQ(read(p[0], &c, 1), 1);
    struct timeval tv = { 0, 20000 };
    unsigned long start = now_ns();
    FD_SET(p[0], &r);
    EQ(select(p[0] + 1, &r, NULL, NULL, &tv), 0);
    OK(now_ns() - start >= 20 * MS);
    OK(!FD_ISSET(p[0], &r) && tv.tv_sec == 0 && tv.tv_usec == 0);
    tv.tv_sec = 5;
    EQ(select(p[1] + 1, NULL, &w, NULL, &tv), 1);
    OK(tv.tv_sec == 4 && tv.tv_usec > 0);
    struct timespec ts = { 0, 1000000 };
    start = now_ns();
    EQ(pselect(0, NULL, NULL, NULL, &ts, NULL), 0);
    OK(now_ns() - start >= MS && ts.tv_nsec == 1000000);
    FD_SET(p[0], &r);
    FD_SET(900, &r);
    tv = (struct timeval){ 0, 0 };
    FAILS(select(901, &r, NULL, NULL, &tv), EBADF);
    FAILS(select(-1, NULL, NULL, NULL, &tv), EINVAL);
    FAILS(select(FD_SETSIZE + 1, NULL, NULL, NULL, &tv), EINVAL);
    tv.tv_usec = -1;
    FAILS(select(0, NULL, NULL, NULL, &tv), EINVAL);
    /* A hung up reader is ready for reading, and is nothing to who only asks for writing. */
    EQ(close(p[1]), 0);
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(p[0], &r);
    EQ(select(p[0] + 1, &r, NULL, NULL, NULL), 1);
    FD_SET(p[0], &w);
    tv = (struct timeval){ 0, 5000 };
    EQ(select(p[0] + 1, NULL, &w, NULL, &tv), 0);
    close(p[0]);
    /* The highest descriptor that a set can hold. */
    int e = eventfd(1, 0);
    EQ(dup2(e, FD_SETSIZE - 1), FD_SETSIZE - 1);
    FD_ZERO(&r);
    FD_SET(FD_SETSIZE - 1, &r);
    EQ(select(FD_SETSIZE, &r, NULL, NULL, NULL), 1);
    OK(FD_ISSET(FD_SETSIZE - 1, &r));
    close(e);
    close(FD_SETSIZE - 1);
}

/* Two threads that pass a token to and fro, one through poll(), one through select(). */
#define TURNS 5000

struct turns {
    int in, out;
};

static void *by_select(void *arg)
{
    struct turns *t = arg;
    char c;
    for (int i = 0; i < TURNS; i++) {
        fd_set r;
        FD_ZERO(&r);
        FD_SET(t->in, &r);
        EQ(select(t->in + 1, &r, NULL, NULL, NULL), 1);
        EQ(read(t->in, &c, 1), 1);
        EQ(write(t->out, &c, 1), 1);
    }
    return NULL;
}

static void ping_pong(void)
{
    int a[2], b[2];
    pthread_t t;
    char c = 0;
    EQ(pipe(a) | pipe(b), 0);
    struct turns other = { a[0], b[1] };
    EQ(pthread_create(&t, NULL, by_select, &other), 0);
    for (int i = 0; i < TURNS; i++) {
        struct pollfd p = { b[0], POLLIN, 0 };
        c++;
        EQ(write(a[1], &c, 1), 1);
        char back = 0;
        EQ(poll(&p, 1, -1), 1);
        EQ(read(b[0], &back, 1), 1);
        EQ(back, c);
    }
    pthread_join(t, NULL);
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

void poll_checks(void)
{
    run_check("poll_results", results);
    run_check("poll_many", many);
    run_check("select", selects);
    run_check("poll_ping_pong", ping_pong);
}
