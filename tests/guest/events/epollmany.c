/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll with many items and several threads: fairness, nothing lost, nothing told twice. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests.h"

#define FILES 20000

static int ctl(int ep, int op, int fd, unsigned events, int data)
{
    struct epoll_event ev = { .events = events, .data.fd = data };
    return epoll_ctl(ep, op, fd, &ev);
}

/* 20,000 files in one set; the ready ones are told, each in its turn. */
static void many_items(void)
{
    static int fds[FILES];
    static unsigned char told[FILES];
    int ep = epoll_create1(0);
    for (int i = 0; i < FILES; i++) {
        fds[i] = eventfd(0, EFD_NONBLOCK);
        if (!OK(fds[i] >= 0) || !EQ(ctl(ep, EPOLL_CTL_ADD, fds[i], EPOLLIN, i), 0)) {
            return;
        }
    }
    struct epoll_event ev[64];
    EQ(epoll_wait(ep, ev, 64, 0), 0);
    for (int i = 0; i < FILES; i += 100) {
        EQ(eventfd_write(fds[i], 1), 0);
    }
    /* 200 are ready by level: 200 events bring each of them once. */
    for (int got = 0; got < FILES / 100;) {
        int n = epoll_wait(ep, ev, 50, 0);
        if (!EQ(n, 50)) {
            break;
        }
        for (int i = 0; i < n; i++) {
            EQ(told[ev[i].data.fd]++, 0);
        }
        got += n;
    }
    for (int i = 0; i < FILES; i += 100) {
        EQ(told[i], 1);
    }
    for (int i = 0; i < FILES; i += 2) {
        EQ(epoll_ctl(ep, EPOLL_CTL_DEL, fds[i], NULL), 0);
    }
    EQ(epoll_wait(ep, ev, 64, 0), 0);
    for (int i = 0; i < FILES; i++) {
        EQ(close(fds[i]), 0);
    }
    close(ep);
}

/*
 * Workers share a set whose items are edge-triggered and one-shot: each token is handled by one of
 * them, and each write is heard.
 */
#define WORKERS 4
#define PIPES   32
#define TOKENS  20000

static int shared_ep, pipes[PIPES][2], stop_fd;
static unsigned handled;

static void *worker(void *arg)
{
    (void)arg;
    for (;;) {
        struct epoll_event ev;
        if (!EQ(epoll_wait(shared_ep, &ev, 1, -1), 1)) {
            return NULL;
        }
        int i = ev.data.fd;
        if (i < 0) {
            return NULL; /* by level: everybody hears it */
        }
        char c;
        ssize_t n;
        while ((n = read(pipes[i][0], &c, 1)) == 1) {
            __atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED);
        }
        EQ(n, -1);
        EQ(errno, EAGAIN);
        EQ(ctl(shared_ep, EPOLL_CTL_MOD, pipes[i][0], EPOLLIN | EPOLLET | EPOLLONESHOT, i), 0);
    }
}

static void workers(void)
{
    pthread_t t[WORKERS];
    unsigned long seed = 4711;
    shared_ep = epoll_create1(0);
    stop_fd = eventfd(0, 0);
    handled = 0;
    EQ(ctl(shared_ep, EPOLL_CTL_ADD, stop_fd, EPOLLIN, -1), 0);
    for (int i = 0; i < PIPES; i++) {
        EQ(pipe2(pipes[i], O_NONBLOCK), 0);
        EQ(ctl(shared_ep, EPOLL_CTL_ADD, pipes[i][0], EPOLLIN | EPOLLET | EPOLLONESHOT, i), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        EQ(pthread_create(&t[i], NULL, worker, NULL), 0);
    }
    for (unsigned sent = 0; sent < TOKENS; sent++) {
        seed = seed * 6364136223846793005ul + 1442695040888963407ul;
        EQ(write(pipes[seed >> 40 & (PIPES - 1)][1], "t", 1), 1);
        if (sent % 512 == 511) { /* all of them have to arrive before more are sent */
            for (unsigned long end = now_ns() + 20000000000ul;
                 __atomic_load_n(&handled, __ATOMIC_RELAXED) != sent + 1 && now_ns() < end;) {
                usleep(100);
            }
            if (!EQ(handled, sent + 1)) {
                break;
            }
        }
    }
    EQ(eventfd_write(stop_fd, 1), 0);
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(t[i], NULL);
    }
    unsigned left = handled; /* what came after the last pause and before the stop */
    char rest[512];
    for (int i = 0; i < PIPES; i++) {
        ssize_t n = read(pipes[i][0], rest, sizeof(rest));
        left += n > 0 ? (unsigned)n : 0;
        close(pipes[i][0]);
        close(pipes[i][1]);
    }
    EQ(left, TOKENS);
    close(shared_ep);
    close(stop_fd);
}

/* Threads that add, remove and close files of a set at random while others wait on it. */
#define CHURN 6000

static volatile int churn_over;

static void *churner(void *arg)
{
    unsigned long seed = (unsigned long)arg;
    for (int i = 0; i < CHURN; i++) {
        seed = seed * 6364136223846793005ul + 1442695040888963407ul;
        int p[2];
        if (!EQ(pipe(p), 0)) {
            break;
        }
        unsigned flags = (seed >> 33 & 1 ? EPOLLET : 0) | (seed >> 34 & 1 ? EPOLLONESHOT : 0);
        EQ(ctl(shared_ep, EPOLL_CTL_ADD, p[0], EPOLLIN | flags, 1), 0);
        EQ(write(p[1], "x", 1), 1);
        if (seed >> 35 & 1) {
            EQ(ctl(shared_ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 2), 0);
        }
        if (seed >> 36 & 1) {
            EQ(epoll_ctl(shared_ep, EPOLL_CTL_DEL, p[0], NULL), 0);
        }
        close(p[seed >> 37 & 1]);
        close(p[~seed >> 37 & 1]);
    }
    return NULL;
}

static void *churn_watcher(void *arg)
{
    unsigned *seen = arg;
    struct epoll_event ev[8];
    while (!churn_over) {
        int n = epoll_wait(shared_ep, ev, 8, 20);
        OK(n >= 0);
        *seen += (unsigned)n;
    }
    return NULL;
}

static void churn(void)
{
    pthread_t c[3], w[2];
    unsigned seen[2] = { 0, 0 };
    shared_ep = epoll_create1(0);
    for (unsigned long i = 0; i < 3; i++) {
        EQ(pthread_create(&c[i], NULL, churner, (void *)(i + 1)), 0);
    }
    for (int i = 0; i < 2; i++) {
        EQ(pthread_create(&w[i], NULL, churn_watcher, &seen[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(c[i], NULL);
    }
    churn_over = 1;
    for (int i = 0; i < 2; i++) {
        pthread_join(w[i], NULL);
    }
    struct epoll_event ev;
    EQ(epoll_wait(shared_ep, &ev, 1, 0), 0); /* all files have gone, and their items with them */
    close(shared_ep);
}

void epoll_many_checks(void)
{
    run_check("epoll_many_items", many_items);
    run_check("epoll_workers", workers);
    run_check("epoll_churn", churn);
}
