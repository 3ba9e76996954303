/* SPDX-License-Identifier: BSD-2-Clause */
/* Zero copy: loans, memory on its way out, and who owns what when connections end. */
#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pith/zerocopy.h>

#define AT_ONCE 64
#define SIZE    8000 /* AT_ONCE of them are more than a window */

static char memory[AT_ONCE * SIZE];
static struct zc_buffer buffers[AT_ONCE];
static int ended, failed;

static void count_end(struct zc_buffer *b, int error)
{
    CHECK(b->arg == memory);
    __atomic_fetch_add(error == 0 ? &ended : &failed, 1, __ATOMIC_SEQ_CST);
}

static void prepare(void)
{
    for (int i = 0; i < AT_ONCE * SIZE; i++) {
        memory[i] = (char)(i * 7 + i / 251);
    }
    memset(buffers, 0, sizeof(buffers));
    for (int i = 0; i < AT_ONCE; i++) {
        buffers[i].done = count_end;
        buffers[i].arg = memory;
    }
    ended = failed = 0;
}

static int bound(int type, struct sockaddr_in *a)
{
    socklen_t len = sizeof(*a);
    int fd = socket(AF_INET, type, 0);
    *a = (struct sockaddr_in){ .sin_family = AF_INET };
    a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(fd, (struct sockaddr *)a, len) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)a, &len) == 0);
    return fd;
}

static void tcp_pair(int p[2])
{
    struct sockaddr_in a;
    int l = bound(SOCK_STREAM, &a);
    CHECK(listen(l, 1) == 0);
    p[0] = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(p[0], (struct sockaddr *)&a, sizeof(a)) == 0);
    p[1] = accept(l, NULL, NULL);
    CHECK(p[1] >= 0);
    close(l);
}

/* Does the loan hold the bytes of `memory` from `at` on? */
static void compare(const struct zc_loan *loan, size_t at, ssize_t len)
{
    size_t sum = 0;
    for (int i = 0; i < loan->n; i++) {
        CHECK(memcmp(loan->piece[i].iov_base, memory + at + sum, loan->piece[i].iov_len) == 0);
        sum += loan->piece[i].iov_len;
    }
    CHECK_EQ((ssize_t)sum, len);
}


static void stream(void)
{
    int p[2];
    struct zc_loan loan;
    prepare();
    tcp_pair(p);
    for (int i = 0; i < AT_ONCE; i++) {
        CHECK_EQ(zc_send(p[0], &buffers[i], memory + i * SIZE, SIZE, 0, NULL, 0), SIZE);
        if (i % 8 == 7) {
            for (size_t at = (size_t)(i - 7) * SIZE; at < (size_t)(i + 1) * SIZE;) {
                ssize_t n = zc_recv(p[1], &loan, 0, NULL, NULL);
                if (!CHECK(n > 0)) {
                    return;
                }
                compare(&loan, at, n);
                at += (size_t)n;
                zc_return(&loan);
            }
        }
    }
    close(p[0]);
    CHECK_EQ(zc_recv(p[1], &loan, 0, NULL, NULL), 0);
    close(p[1]);
    CHECK_EQ(ended, AT_ONCE);
    CHECK_EQ(failed, 0);
}

/* Loans count against the receive buffer: a sender fills it, and returning lets it go on. */
static void loans_hold_back(void)
{
    int p[2];
    struct zc_loan first;
    size_t sent = 0, got;
    ssize_t n;
    prepare();
    tcp_pair(p);
    CHECK_EQ(send(p[0], memory, SIZE, 0), SIZE);
    n = zc_recv(p[1], &first, 0, NULL, NULL);
    compare(&first, 0, n);
    sent = SIZE - (size_t)n; /* the rest may not have come yet */
    while ((n = send(p[0], memory, SIZE, MSG_DONTWAIT)) > 0) {
        sent += (size_t)n;
    }
    CHECK_EQ(errno, EAGAIN);
    close(p[0]);
    zc_return(&first);
    static char buf[SIZE];
    for (got = 0; (n = recv(p[1], buf, sizeof(buf), 0)) > 0;) {
        got += (size_t)n;
    }
    CHECK_EQ(got, sent);
    close(p[1]);
}

/* What a reset, or a close that resets, leaves unacknowledged comes back with an error. */
static void broken(void)
{
    int p[2], sent = 0, small = 2048;
    struct linger reset = { 1, 0 };
    struct zc_loan loan;
    for (int by_peer = 0; by_peer < 2; by_peer++) {
        prepare();
        tcp_pair(p);
        CHECK(setsockopt(p[1], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) == 0);
        for (sent = 0; sent < AT_ONCE; sent++) {
            const char *from = memory + sent * SIZE;
            if (zc_send(p[0], &buffers[sent], from, SIZE, MSG_DONTWAIT, NULL, 0) < 0) {
                break;
            }
        }
        CHECK(sent > 0);
        ssize_t n = zc_recv(p[1], &loan, 0, NULL, NULL);
        setsockopt(p[by_peer], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        close(p[by_peer]);
        compare(&loan, 0, n);
        zc_return(&loan); /* of a socket that may be closed by now */
        close(p[1 - by_peer]);
        CHECK_EQ(ended + failed, sent);
        CHECK(failed > 0);
    }
}

static void datagrams(void)
{
    struct sockaddr_in a, from;
    struct zc_loan loan;
    socklen_t len = sizeof(from);
    int r = bound(SOCK_DGRAM, &a), s = socket(AF_INET, SOCK_DGRAM, 0);
    prepare();
    for (int i = 0; i < AT_ONCE; i++) {
        CHECK_EQ(zc_send(s, &buffers[i], memory, 1000, 0, (struct sockaddr *)&a, sizeof(a)), 1000);
        CHECK_EQ(zc_recv(r, &loan, 0, (struct sockaddr *)&from, &len), 1000);
        compare(&loan, 0, 1000);
        zc_return(&loan);
    }
    CHECK_EQ(ended, AT_ONCE);
    CHECK_EQ(zc_recv(r, &loan, MSG_DONTWAIT, NULL, NULL), -1);
    CHECK_EQ(errno, EAGAIN);
    close(r);
    close(s);
}

static void wrong_files(void)
{
    struct zc_loan loan;
    prepare();
    CHECK_EQ(zc_recv(-1, &loan, 0, NULL, NULL), -1);
    CHECK_EQ(errno, EBADF);
    CHECK_EQ(zc_send(99, &buffers[0], memory, 1, 0, NULL, 0), -1);
    CHECK_EQ(errno, EBADF);
    CHECK_EQ(ended + failed, 0);
}

int main(void)
{
    check_run("stream", stream);
    check_run("loans-hold-back", loans_hold_back);
    check_run("broken", broken);
    check_run("datagrams", datagrams);
    check_run("wrong-files", wrong_files);
    return check_done();
}
