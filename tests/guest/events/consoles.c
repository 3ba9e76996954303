/* SPDX-License-Identifier: BSD-2-Clause */
/* Standard input in poll() and epoll: ready when there are bytes or the end, and not before. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests.h"

#define INPUT "first line\nsecond\n" /* as test.cfg has it */

static void input(void)
{
    char got[64];
    size_t have = 0;
    struct epoll_event ev = { .events = EPOLLIN }, out;
    struct pollfd p = { 0, POLLIN, 0 };
    int ep = epoll_create1(0);
    EQ(epoll_ctl(ep, EPOLL_CTL_ADD, 0, &ev), 0);
    EQ(events_of(0, POLLOUT), POLLOUT);
    EQ(fcntl(0, F_SETFL, O_NONBLOCK), 0);
    for (;;) {
        EQ(poll(&p, 1, -1), 1);
        EQ(p.revents, POLLIN);
        EQ(epoll_wait(ep, &out, 1, -1), 1);
        ssize_t n = read(0, got + have, have % 5 + 1); /* less than has come: the rest is kept */
        if (n == 0) {
            break;
        }
        if (!OK(n > 0 && have + (size_t)n < sizeof(got))) {
            break;
        }
        have += (size_t)n;
    }
    EQ(have, strlen(INPUT));
    OK(memcmp(got, INPUT, have) == 0);
    EQ(events_of(0, POLLIN), POLLIN); /* the end stays */
    EQ(read(0, got, 1), 0);
    EQ(fcntl(0, F_SETFL, 0), 0);
    close(ep);
}

/* There is no input: before the host has been asked nothing is ready, then it is the end. */
void console_empty_checks(void)
{
    char c;
    EQ(fcntl(0, F_SETFL, O_NONBLOCK), 0);
    FAILS(read(0, &c, 1), EAGAIN);
    EQ(fcntl(0, F_SETFL, 0), 0);
    struct pollfd p = { 0, POLLIN, 0 };
    EQ(poll(&p, 1, -1), 1);
    EQ(p.revents, POLLIN);
    EQ(read(0, &c, 1), 0);
}

void console_checks(void)
{
    run_check("console_input", input);
}
