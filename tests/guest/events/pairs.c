/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket pairs: what tests/conform/pairs doesn't show: threads, limits, times, truncation. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests.h"

#define STREAM (4u << 20)

static char buf[300000];

static unsigned char pattern(unsigned long at)
{
    return (unsigned char)(at * 2246822519u >> 11);
}

static void *writer(void *arg)
{
    static unsigned char piece[70000];
    int fd = *(int *)arg;
    for (unsigned long at = 0, n; at < STREAM; at += n) {
        n = at % 65521 + 1;
        n = n < STREAM - at ? n : STREAM - at;
        for (unsigned long i = 0; i < n; i++) {
            piece[i] = pattern(at + i);
        }
        if (!EQ(send(fd, piece, n, 0), n)) {
            break;
        }
    }
    shutdown(fd, SHUT_WR);
    return NULL;
}

static void stream(void)
{
    int p[2];
    pthread_t t;
    unsigned long at = 0, wrong = 0;
    EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
    EQ(pthread_create(&t, NULL, writer, &p[0]), 0);
    for (ssize_t n; (n = recv(p[1], buf, at % 50021 + 1, at % 2 ? MSG_WAITALL : 0)) > 0;
         at += (unsigned long)n) {
        if (at % 2) {
            OK((unsigned long)n == at % 50021 + 1 || at + (unsigned long)n == STREAM);
        }
        for (ssize_t i = 0; i < n; i++) {
            wrong += (unsigned char)buf[i] != pattern(at + (unsigned long)i);
        }
    }
    EQ(at, STREAM);
    EQ(wrong, 0);
    pthread_join(t, NULL);
    close(p[0]);
    close(p[1]);
}

static void messages(int type)
{
    int p[2];
    EQ(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, p), 0);
    EQ(send(p[0], "0123456789", 10, 0), 10);
    EQ(send(p[0], "", 0, 0), 0); /* an empty one is one, too */
    EQ(send(p[0], "abc", 3, 0), 3);
    struct iovec v[2] = { { buf, 2 }, { buf + 10, 3 } };
    struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
    EQ(recvmsg(p[1], &m, MSG_PEEK), 5);
    EQ(m.msg_flags, MSG_TRUNC);
    EQ(recvmsg(p[1], &m, MSG_TRUNC), 10);
    OK(memcmp(buf, "01", 2) == 0 && memcmp(buf + 10, "234", 3) == 0);
    EQ(recv(p[1], buf, 10, 0), 0);
    EQ(recv(p[1], buf, 10, 0), 3);
    FAILS(recv(p[1], buf, 10, 0), EAGAIN);
    FAILS(send(p[0], buf, sizeof(buf), 0), EMSGSIZE);
    EQ(send(p[0], buf, 200000, 0), 200000);
    EQ(events_of(p[0], POLLOUT), 0);
    EQ(send(p[0], "y", 1, 0), 1); /* the buffer isn't full yet */
    EQ(send(p[0], buf, 20000, 0), 20000);
    FAILS(send(p[0], "x", 1, 0), EAGAIN);
    EQ(recv(p[1], buf, sizeof(buf), 0), 200000);
    EQ(events_of(p[0], POLLOUT), POLLOUT);
    struct cmsghdr *c;
    char control[CMSG_SPACE(sizeof(int))] = { 0 };
    m = (struct msghdr){ .msg_iov = v, .msg_iovlen = 1, .msg_control = control,
                         .msg_controllen = sizeof(control) };
    c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, 99 }; /* rights: tests/conform/unix */
    FAILS(sendmsg(p[0], &m, 0), EINVAL);
    close(p[0]);
    close(p[1]);
}

static void datagrams(void)
{
    messages(SOCK_DGRAM);
    messages(SOCK_SEQPACKET);
}

static void limits(void)
{
    int p[2], n = 0, v = 0;
    socklen_t len = sizeof(v);
    EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p), 0);
    EQ(getsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &v, &len), 0);
    EQ(v, 212992);
    while (send(p[0], "x", 1, 0) == 1) {
        n++;
    }
    EQ(errno, EAGAIN);
    EQ(n, 278); /* Linux's number */
    EQ(events_of(p[0], POLLOUT), 0);
    EQ(ioctl(p[1], FIONREAD, &v), 0);
    EQ(v, 278);
    EQ(recv(p[1], buf, 200, 0), 200);
    EQ(events_of(p[0], POLLOUT), 0);
    EQ(recv(p[1], buf, 200, 0), 78);
    EQ(events_of(p[0], POLLOUT), POLLOUT);
    v = 10000;
    EQ(setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof(v)), 0);
    EQ(getsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &v, &len), 0);
    EQ(v, 20000);
    OK(send(p[0], buf, 100000, 0) < 40000);
    FAILS(setsockopt(p[0], SOL_SOCKET, 4711, &v, sizeof(v)), ENOPROTOOPT);
    FAILS(setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &v, 2), EINVAL);
    close(p[0]);
    close(p[1]);
    FAILS(socketpair(AF_INET, SOCK_STREAM, 0, p), EOPNOTSUPP);
    FAILS(socketpair(99, SOCK_STREAM, 0, p), EAFNOSUPPORT);
    FAILS(socketpair(AF_UNIX, SOCK_STREAM, 7, p), EPROTONOSUPPORT);
    FAILS(socketpair(AF_UNIX, 4, 0, p), ESOCKTNOSUPPORT);
    FAILS(socketpair(AF_UNIX, 99, 0, p), EINVAL);
}

static volatile sig_atomic_t signals;

static void count_signal(int sig)
{
    (void)sig;
    signals++;
}

static void times_and_signals(void)
{
    int p[2];
    struct timeval tv = { 0, 20000 };
    EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
    EQ(setsockopt(p[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
    EQ(setsockopt(p[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
    unsigned long start = now_ns();
    FAILS(recv(p[1], buf, 1, 0), EAGAIN);
    OK(now_ns() - start >= 20000000);
    start = now_ns();
    OK(send(p[0], buf, sizeof(buf), 0) > 200000); /* in part */
    FAILS(send(p[0], buf, 1, 0), EAGAIN);
    OK(now_ns() - start >= 40000000);
    tv.tv_usec = 1000000;
    FAILS(setsockopt(p[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), EDOM);
    close(p[1]);
    signal(SIGPIPE, count_signal);
    FAILS(send(p[0], buf, 1, MSG_NOSIGNAL), EPIPE);
    EQ(signals, 0);
    FAILS(send(p[0], buf, 1, 0), EPIPE);
    EQ(signals, 1);
    signal(SIGPIPE, SIG_IGN);
    FAILS(write(p[0], buf, 1), EPIPE);
    close(p[0]);
}

static void *close_soon(void *arg)
{
    usleep(10000);
    close(*(int *)arg);
    return NULL;
}

static void close_wakes(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
    for (int i = 0; i < 2; i++) {
        int p[2];
        pthread_t t;
        EQ(socketpair(AF_UNIX, types[i], 0, p), 0);
        EQ(pthread_create(&t, NULL, close_soon, &p[0]), 0);
        EQ(recv(p[1], buf, 1, 0), 0);
        EQ(events_of(p[1], POLLIN | POLLOUT | POLLRDHUP), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
        pthread_join(t, NULL);
        close(p[1]);
    }
}

void pair_checks(void)
{
    run_check("pair_stream", stream);
    run_check("pair_datagrams", datagrams);
    run_check("pair_limits", limits);
    run_check("pair_times_and_signals", times_and_signals);
    run_check("pair_close_wakes", close_wakes);
}
