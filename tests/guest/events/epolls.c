/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll: level, edge, one-shot, errors, copies of descriptors, closed files, sets in sets. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "tests.h"

static int ctl(int ep, int op, int fd, unsigned events, int data)
{
    struct epoll_event ev = { .events = events, .data.fd = data };
    return epoll_ctl(ep, op, fd, &ev);
}

/* One event now: its data, or -1. */
static int next_event(int ep, unsigned *events)
{
    struct epoll_event ev;
    int n = epoll_wait(ep, &ev, 1, 0);
    *events = n == 1 ? ev.events : 0;
    return n == 1 ? ev.data.fd : -1;
}

static void errors(void)
{
    struct epoll_event ev = { .events = EPOLLIN };
    int e = eventfd(0, 0), other = eventfd(0, 0), ep = epoll_create1(EPOLL_CLOEXEC);
    int null = open("/dev/null", O_RDONLY);
    OK(ep >= 0);
    FAILS(epoll_create(0), EINVAL);
    FAILS(epoll_create1(1), EINVAL);
    FAILS(epoll_ctl(77, EPOLL_CTL_ADD, e, &ev), EBADF);
    FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, 77, &ev), EBADF);
    FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, e, NULL), EFAULT);
    FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, null, &ev), EPERM);
    FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev), EINVAL);
    FAILS(epoll_ctl(e, EPOLL_CTL_ADD, ep, &ev), EINVAL);
    FAILS(epoll_ctl(ep, 9, e, &ev), EINVAL);
    FAILS(epoll_ctl(ep, EPOLL_CTL_MOD, e, &ev), ENOENT);
    FAILS(epoll_ctl(ep, EPOLL_CTL_DEL, e, NULL), ENOENT);
    EQ(epoll_ctl(ep, EPOLL_CTL_ADD, e, &ev), 0);
    FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, e, &ev), EEXIST);
    FAILS(epoll_wait(ep, &ev, 0, 0), EINVAL);
    FAILS(epoll_wait(ep, &ev, -1, 0), EINVAL);
    FAILS(epoll_wait(ep, NULL, 1, 0), EFAULT);
    FAILS(epoll_wait(e, &ev, 1, 0), EINVAL);
    FAILS(epoll_wait(77, &ev, 1, 0), EBADF);
    char c;
    FAILS(read(ep, &c, 1), EINVAL);
    FAILS(write(ep, &c, 1), EINVAL);
    EQ(epoll_ctl(ep, EPOLL_CTL_DEL, e, NULL), 0);
    EQ(ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN | EPOLLEXCLUSIVE, 1), 0);
    FAILS(ctl(ep, EPOLL_CTL_MOD, e, EPOLLIN, 1), EINVAL);
    FAILS(ctl(ep, EPOLL_CTL_ADD, other, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 1), EINVAL);
    close(other);
    EQ(epoll_wait(ep, &ev, 1, 0), 0);
    unsigned long start = now_ns();
    EQ(epoll_wait(ep, &ev, 1, 10), 0);
    OK(now_ns() - start >= 10000000);
    struct timespec ts = { 0, 1200000 };
    start = now_ns();
    EQ(epoll_pwait2(ep, &ev, 1, &ts, NULL), 0);
    OK(now_ns() - start >= 1200000);
    ts.tv_nsec = -1;
    FAILS(epoll_pwait2(ep, &ev, 1, &ts, NULL), EINVAL);
    EQ(epoll_pwait(ep, &ev, 1, 0, NULL), 0);
    close(e);
    close(ep);
    close(null);
}

static void level(void)
{
    unsigned events;
    int p[2], ep = epoll_create1(0);
    EQ(pipe(p), 0);
    EQ(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLRDHUP, 10), 0);
    EQ(next_event(ep, &events), -1);
    EQ(write(p[1], "abc", 3), 3);
    for (int i = 0; i < 3; i++) {
        EQ(next_event(ep, &events), 10);
        EQ(events, EPOLLIN);
    }
    char c[3];
    EQ(read(p[0], c, 3), 3);
    EQ(next_event(ep, &events), -1);
    EQ(ctl(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT, 11), 0); /* ready when added */
    EQ(next_event(ep, &events), 11);
    EQ(events, EPOLLOUT);
    EQ(ctl(ep, EPOLL_CTL_MOD, p[1], 0, 11), 0);
    EQ(next_event(ep, &events), -1);
    EQ(close(p[0]), 0); /* leaves the set; the writer hears of it without asking */
    EQ(next_event(ep, &events), 11);
    EQ(events, EPOLLERR);
    EQ(close(p[1]), 0);
    EQ(next_event(ep, &events), -1);
    close(ep);
}

static void edge(void)
{
    unsigned events;
    char c[8];
    int p[2], ep = epoll_create1(0);
    EQ(pipe(p), 0);
    EQ(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET, 10), 0);
    EQ(write(p[1], "a", 1), 1);
    EQ(next_event(ep, &events), 10);
    EQ(next_event(ep, &events), -1);
    EQ(write(p[1], "b", 1), 1); /* more: told, though the first is still there */
    EQ(next_event(ep, &events), 10);
    EQ(next_event(ep, &events), -1);
    EQ(read(p[0], c, 1), 1);
    EQ(next_event(ep, &events), -1);
    EQ(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 12), 0); /* armed again */
    EQ(next_event(ep, &events), 12);
    EQ(next_event(ep, &events), -1);
    EQ(write(p[1], "c", 1), 1);
    EQ(read(p[0], c, 8), 2); /* taken before anybody looked */
    EQ(next_event(ep, &events), -1);
    EQ(close(p[1]), 0);
    EQ(next_event(ep, &events), 12);
    EQ(events, EPOLLHUP);
    EQ(next_event(ep, &events), -1);
    close(p[0]);
    close(ep);
}

static void one_shot(void)
{
    unsigned events;
    int e = eventfd(1, 0), ep = epoll_create1(0);
    EQ(ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN | EPOLLONESHOT, 5), 0);
    EQ(next_event(ep, &events), 5);
    EQ(events, EPOLLIN);
    EQ(next_event(ep, &events), -1);
    EQ(eventfd_write(e, 1), 0);
    EQ(next_event(ep, &events), -1);
    EQ(ctl(ep, EPOLL_CTL_MOD, e, EPOLLIN | EPOLLONESHOT, 6), 0);
    EQ(next_event(ep, &events), 6);
    EQ(next_event(ep, &events), -1);
    close(e);
    close(ep);
}

/* The same file under two descriptors, and one that lives on under another. */
static void copies(void)
{
    unsigned events;
    int e = eventfd(1, 0), ep = epoll_create1(0), copy = dup(e);
    EQ(ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN, 1), 0);
    EQ(ctl(ep, EPOLL_CTL_ADD, copy, EPOLLIN, 2), 0);
    struct epoll_event ev[4];
    EQ(epoll_wait(ep, ev, 4, 0), 2);
    EQ(ev[0].data.fd + ev[1].data.fd, 3);
    EQ(epoll_ctl(ep, EPOLL_CTL_DEL, copy, NULL), 0);
    EQ(close(e), 0);
    EQ(next_event(ep, &events), 1); /* the open file is still there */
    int other = eventfd(0, 0);
    EQ(other, e); /* the number is given out again: another item */
    EQ(ctl(ep, EPOLL_CTL_ADD, other, EPOLLIN, 3), 0);
    EQ(next_event(ep, &events), 1);
    EQ(close(copy), 0);
    EQ(next_event(ep, &events), -1);
    EQ(eventfd_write(other, 1), 0);
    EQ(next_event(ep, &events), 3);
    close(other);
    EQ(next_event(ep, &events), -1);
    close(ep);
}

static void nested(void)
{
    unsigned events;
    int e = eventfd(0, 0), in = epoll_create1(0), out = epoll_create1(0);
    EQ(ctl(in, EPOLL_CTL_ADD, e, EPOLLIN, 1), 0);
    EQ(ctl(out, EPOLL_CTL_ADD, in, EPOLLIN, 2), 0);
    FAILS(ctl(in, EPOLL_CTL_ADD, out, EPOLLIN, 3), ELOOP);
    EQ(next_event(out, &events), -1);
    EQ(events_of(out, POLLIN), 0);
    EQ(eventfd_write(e, 1), 0);
    EQ(events_of(in, POLLIN | POLLOUT), POLLIN);
    EQ(events_of(out, POLLIN), POLLIN);
    EQ(next_event(out, &events), 2);
    EQ(next_event(in, &events), 1);
    eventfd_t v;
    EQ(eventfd_read(e, &v), 0);
    EQ(events_of(out, POLLIN), 0); /* nothing stale */
    EQ(next_event(out, &events), -1);
    EQ(eventfd_write(e, 1), 0);
    close(in);
    EQ(next_event(out, &events), -1);
    close(out);
    close(e);
    int chain[7];
    for (int i = 0; i < 7; i++) {
        chain[i] = epoll_create1(0);
    }
    for (int i = 1; i < 5; i++) {
        EQ(ctl(chain[i], EPOLL_CTL_ADD, chain[i - 1], EPOLLIN, i), 0);
    }
    FAILS(ctl(chain[5], EPOLL_CTL_ADD, chain[4], EPOLLIN, 5), ELOOP); /* too long */
    FAILS(ctl(chain[0], EPOLL_CTL_ADD, chain[5], EPOLLIN, 5), ELOOP); /* also at the other end */
    FAILS(ctl(chain[0], EPOLL_CTL_ADD, chain[4], EPOLLIN, 5), ELOOP);
    EQ(close(chain[2]), 0);
    EQ(ctl(chain[4], EPOLL_CTL_ADD, chain[1], EPOLLIN, 1), 0);
    for (int i = 0; i < 7; i++) {
        close(chain[i]);
    }
}

/* A thread that waits hears what is added and written meanwhile. */
static int waiting_ep, waiting_event;

static void *change_soon(void *arg)
{
    (void)arg;
    usleep(10000);
    EQ(ctl(waiting_ep, EPOLL_CTL_ADD, waiting_event, EPOLLIN, 9), 0);
    usleep(10000);
    EQ(eventfd_write(waiting_event, 1), 0);
    return NULL;
}

static void change_while_waiting(void)
{
    pthread_t t;
    struct epoll_event ev;
    waiting_ep = epoll_create1(0);
    waiting_event = eventfd(0, 0);
    EQ(pthread_create(&t, NULL, change_soon, NULL), 0);
    EQ(epoll_wait(waiting_ep, &ev, 1, -1), 1);
    EQ(ev.data.fd, 9);
    pthread_join(t, NULL);
    close(waiting_ep);
    close(waiting_event);
}

void epoll_checks(void)
{
    run_check("epoll_errors", errors);
    run_check("epoll_level", level);
    run_check("epoll_edge", edge);
    run_check("epoll_one_shot", one_shot);
    run_check("epoll_copies", copies);
    run_check("epoll_nested", nested);
    run_check("epoll_change_while_waiting", change_while_waiting);
}
