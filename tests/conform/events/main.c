/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll, eventfd and timerfd: what they refuse, and what they report when. */
#define _GNU_SOURCE
#include "../conform.h"

#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

static struct epoll_event none[8];
static volatile int minus = -1;

/* What epoll_wait() reports now: data and bits, in the order of data. */
static void report(int line, int ep)
{
    struct epoll_event e[16];
    int n = epoll_wait(ep, e, 16, 0);
    printf("%d: epoll_wait: %d", line, n);
    for (int want = 0; want < 64; want++) {
        for (int i = 0; i < n; i++) {
            if (e[i].data.u64 == (uint64_t)want) {
                printf(" [%d %s]", want, poll_names((int)e[i].events));
            }
        }
    }
    printf("\n");
}

#define REPORT(ep) report(__LINE__, ep)

static int control(int ep, int op, int fd, uint32_t events, int data)
{
    struct epoll_event e = {.events = events, .data.u64 = (uint64_t)data};
    return epoll_ctl(ep, op, fd, &e);
}

static void refusals(void)
{
    int p[2];
    SAY("epoll: refused");
    MUST(pipe(p));
    FD(epoll_create(0));
    FD(epoll_create(-1));
    close(FD(epoll_create(1)));
    FD(epoll_create1(12345));
    int ep = FD(epoll_create1(0));
    CALL(epoll_wait(ep, none, 0, 0));
    CALL(epoll_wait(ep, none, minus, 0));
    CALL(epoll_wait(-1, none, 1, 0));
    CALL(epoll_wait(p[0], none, 1, 0));
    CALL(epoll_wait(ep, none, 1, 1));
    CALL(control(ep, EPOLL_CTL_ADD, -1, EPOLLIN, 1));
    CALL(control(-1, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
    CALL(control(p[0], EPOLL_CTL_ADD, p[1], EPOLLIN, 1));
    CALL(control(ep, EPOLL_CTL_ADD, ep, EPOLLIN, 1));
    CALL(control(ep, EPOLL_CTL_DEL, p[0], 0, 0));
    CALL(control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 0));
    CALL(control(ep, 99, p[0], EPOLLIN, 0));
    CALL(control(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
    CALL(control(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
    CALL(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
    CALL(read(ep, p, 1));
    CALL(write(ep, p, 1));
    SAY("one in the other, and round");
    int outer = FD(epoll_create1(0));
    CALL(control(outer, EPOLL_CTL_ADD, ep, EPOLLIN, 1));
    CALL(control(ep, EPOLL_CTL_ADD, outer, EPOLLIN, 1));
    CALL(control(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 2));
    REPORT(outer);
    CALL(write(p[1], "x", 1));
    REPORT(outer);
    BITS(ep);
    close(outer);
    close(ep);
    close(p[0]);
    close(p[1]);
}

static void modes(void)
{
    int p[2];
    char buf[8];
    int ep = (int)MUST(epoll_create1(0));
    SAY("level, edge, once");
    MUST(pipe(p));
    CALL(control(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
    REPORT(ep);
    CALL(write(p[1], "ab", 2));
    REPORT(ep);
    REPORT(ep);
    CALL(read(p[0], buf, 1));
    REPORT(ep);
    SAY("edge");
    CALL(control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 2));
    REPORT(ep);
    REPORT(ep);
    CALL(write(p[1], "c", 1));
    REPORT(ep);
    REPORT(ep);
    CALL(read(p[0], buf, 1));
    REPORT(ep);
    CALL(control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 3));
    REPORT(ep);
    SAY("once");
    CALL(control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 4));
    REPORT(ep);
    REPORT(ep);
    CALL(write(p[1], "d", 1));
    REPORT(ep);
    CALL(control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 5));
    REPORT(ep);
    REPORT(ep);
    SAY("the writer goes");
    CALL(control(ep, EPOLL_CTL_MOD, p[0], 0, 6));
    REPORT(ep);
    CALL(close(p[1]));
    REPORT(ep);
    CALL(read(p[0], buf, 8));
    REPORT(ep);
    CALL(read(p[0], buf, 8));
    CALL(close(p[0]));
    REPORT(ep);
    close(ep);
}

/* Descriptors that share an open file; what closing one does. */
static void duplicates(void)
{
    int p[2];
    int ep = (int)MUST(epoll_create1(0));
    SAY("dup");
    MUST(pipe(p));
    int twin = FD(dup(p[0]));
    CALL(control(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
    CALL(control(ep, EPOLL_CTL_ADD, twin, EPOLLIN, 2));
    CALL(write(p[1], "x", 1));
    REPORT(ep);
    CALL(close(p[0]));
    REPORT(ep); /* the open file lives on under the other one */
    CALL(close(twin));
    REPORT(ep);
    close(p[1]);
    close(ep);
}

static void several(void)
{
    int ep = (int)MUST(epoll_create1(0)), fds[4];
    struct epoll_event e[2];
    int seen[4] = {0};
    SAY("more are ready than asked for");
    for (int i = 0; i < 4; i++) {
        fds[i] = (int)MUST(eventfd(1, 0));
        MUST(control(ep, EPOLL_CTL_ADD, fds[i], EPOLLIN, i));
    }
    for (int round = 0; round < 4; round++) {
        MUST(epoll_wait(ep, e, 2, 0));
        seen[e[0].data.u64]++;
        seen[e[1].data.u64]++;
    }
    IS(seen[0] == 2 && seen[1] == 2 && seen[2] == 2 && seen[3] == 2); /* in turn */
    for (int i = 0; i < 4; i++) {
        close(fds[i]);
    }
    REPORT(ep);
    close(ep);
}

static void counter(void)
{
    uint64_t n = 5;
    char small[4];
    SAY("eventfd");
    FD(eventfd(0, 12345));
    int e = FD(eventfd(3, EFD_NONBLOCK));
    BITS(e);
    CALL(read(e, small, sizeof(small)));
    CALL(read(e, &n, sizeof(n)));
    SHOW(n);
    CALL(read(e, &n, sizeof(n)));
    BITS(e);
    n = UINT64_MAX;
    CALL(write(e, &n, sizeof(n)));
    n = 7;
    CALL(write(e, &n, 4));
    CALL(write(e, &n, sizeof(n)));
    CALL(write(e, &n, sizeof(n)));
    CALL(read(e, &n, sizeof(n)));
    SHOW(n);
    n = UINT64_MAX - 1;
    CALL(write(e, &n, sizeof(n)));
    BITS(e);
    n = 1;
    CALL(write(e, &n, sizeof(n)));
    CALL(eventfd_read(e, &n));
    IS(n == UINT64_MAX - 1);
    CALL(eventfd_write(e, 2));
    close(e);
    SAY("eventfd as a semaphore");
    e = FD(eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC));
    CALL(read(e, &n, sizeof(n)));
    SHOW(n);
    CALL(read(e, &n, sizeof(n)));
    CALL(read(e, &n, sizeof(n)));
    close(e);
}

static void timers(void)
{
    uint64_t n = 0;
    struct itimerspec t = {0}, old;
    SAY("timerfd");
    FD(timerfd_create(99, 0));
    FD(timerfd_create(CLOCK_MONOTONIC, 12345));
    int e = FD(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    CALL(read(e, &n, sizeof(n)));
    BITS(e);
    t.it_value.tv_nsec = 1000000000;
    CALL(timerfd_settime(e, 0, &t, NULL));
    CALL(timerfd_settime(e, 12345, &t, NULL));
    CALL(timerfd_gettime(0, &old));
    t.it_value.tv_nsec = 1000000;
    CALL(timerfd_settime(-1, 0, &t, NULL));
    CALL(timerfd_settime(e, 0, &t, &old));
    SHOW(old.it_value.tv_sec);
    SHOW(old.it_value.tv_nsec);
    await(e, POLLIN);
    BITS(e);
    CALL(read(e, &n, 4));
    CALL(read(e, &n, sizeof(n)));
    SHOW(n);
    CALL(read(e, &n, sizeof(n)));
    CALL(write(e, &n, sizeof(n)));
    SAY("each 2 ms");
    t.it_interval.tv_nsec = 2000000;
    CALL(timerfd_settime(e, 0, &t, NULL));
    settle();
    CALL(read(e, &n, sizeof(n)));
    IS(n >= 5);
    CALL(timerfd_gettime(e, &old));
    SHOW(old.it_interval.tv_nsec);
    IS(old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 2000000);
    memset(&t, 0, sizeof(t));
    CALL(timerfd_settime(e, 0, &t, &old));
    SHOW(old.it_interval.tv_nsec);
    CALL(timerfd_gettime(e, &old));
    SHOW(old.it_value.tv_nsec);
    CALL(poll(&(struct pollfd){e, POLLIN, 0}, 1, 10));
    SAY("at a time that has passed");
    t.it_value.tv_nsec = 1;
    CALL(timerfd_settime(e, TFD_TIMER_ABSTIME, &t, NULL));
    await(e, POLLIN);
    CALL(read(e, &n, sizeof(n)));
    SHOW(n);
    close(e);
    close(FD(timerfd_create(CLOCK_REALTIME, 0)));
    close(FD(timerfd_create(CLOCK_BOOTTIME, 0)));
}

static void polls(void)
{
    struct pollfd p[3] = {{-1, POLLIN, 77}, {900, POLLIN, 0}, {-5, POLLIN, 3}};
    struct timespec zero = {0, 0}, bad = {0, -1};
    SAY("poll");
    CALL(poll(NULL, 0, 0));
    CALL(poll(p, 1, 0));
    SHOW(p[0].revents);
    CALL(poll(p, 3, 0));
    printf("%s\n", poll_names(p[1].revents));
    CALL(ppoll(p, 1, &zero, NULL));
    CALL(ppoll(p, 1, &bad, NULL));
    int e = (int)MUST(eventfd(1, 0));
    p[0] = p[1] = (struct pollfd){e, POLLIN, 0};
    p[1].events = POLLOUT;
    CALL(poll(p, 2, -1));
    printf("%s %s\n", poll_names(p[0].revents), poll_names(p[1].revents));
    p[0].events = 0;
    CALL(poll(p, 1, 0));
    close(e);
}

int main(void)
{
    begin();
    refusals();
    modes();
    duplicates();
    several();
    counter();
    timers();
    polls();
    return end();
}
