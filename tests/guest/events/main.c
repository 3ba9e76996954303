/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that wait: pipes, socket pairs, counters, timers; poll, select and epoll over them; the
 * console. Each state's events are Linux's.
 */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "tests.h"

void run_check(const char *name, void (*fn)(void))
{
    check_run(name, fn);
}

int expect_equal(const char *file, int line, const char *text, long long a, long long b)
{
    return check_equal(file, line, text, a, b);
}

int events_of(int fd, int wanted)
{
    struct pollfd p = { .fd = fd, .events = (short)wanted };
    return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

unsigned long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (unsigned long)t.tv_sec * 1000000000 + (unsigned long)t.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "empty") == 0) {
        check_run("console_empty", console_empty_checks);
        return check_done();
    }
    signal(SIGPIPE, SIG_IGN);
    console_checks();
    pipe_checks();
    counter_checks();
    poll_checks();
    pair_checks();
    epoll_checks();
    epoll_many_checks();
    vector_checks();
    return check_done();
}
