/* SPDX-License-Identifier: BSD-2-Clause */
/* Files in memory, epoll, and waiting for a moment. */
#include "prim.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_PATH "/tmp/prim.file"
#define IDLE_FDS  1000 /* pipes that nothing comes from; two descriptors each */

static int file = -1, epoll_fd = -1, busy[2];
static char page[4096];

static void file_read(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        sink = pread(file, page, sizeof(page), 0);
    }
}

static void file_read_1(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        sink = pread(file, page, 1, 0);
    }
}

static void file_write(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        sink = pwrite(file, page, sizeof(page), 0);
    }
}

static void file_stat(unsigned n)
{
    struct stat st;
    for (unsigned i = 0; i < n; i++) {
        sink = fstat(file, &st);
    }
}

static void file_open(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        close(open(FILE_PATH, O_RDONLY));
    }
}

/* A byte through a pipe that epoll watches: write, epoll_wait, read. */
static void epoll_ready(unsigned n)
{
    struct epoll_event events[8];
    char c = 'a';
    for (unsigned i = 0; i < n; i++) {
        if (write(busy[1], &c, 1) != 1 || epoll_wait(epoll_fd, events, 8, -1) != 1 ||
            read(busy[0], &c, 1) != 1) {
            return;
        }
    }
}

static void epoll_nothing(unsigned n)
{
    struct epoll_event event;
    for (unsigned i = 0; i < n; i++) {
        sink = epoll_wait(epoll_fd, &event, 1, 0);
    }
}

/* A moment that has passed when the call is made: what it costs to find out. */
static void sleep_until_past(unsigned n)
{
    const struct timespec past = { .tv_nsec = 1 };
    for (unsigned i = 0; i < n; i++) {
        sink = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &past, NULL);
    }
}

static int watch(int fd)
{
    struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e);
}

static void measure_epoll(void)
{
    epoll_fd = epoll_create1(0);
    if (epoll_fd < 0 || pipe(busy) != 0 || watch(busy[0]) != 0) {
        return;
    }
    measure("epoll_wait_nothing", 2000, epoll_nothing);
    measure("epoll_pipe_byte", 2000, epoll_ready);
    for (int i = 0; i < IDLE_FDS; i++) {
        int fds[2];
        if (pipe(fds) != 0 || watch(fds[0]) != 0) {
            return;
        }
    }
    measure("epoll_pipe_byte_idle1000", 2000, epoll_ready);
}

void measure_descriptors(void)
{
    mkdir("/tmp", 0777);
    file = open(FILE_PATH, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (file >= 0 && write(file, page, sizeof(page)) == (ssize_t)sizeof(page)) {
        measure("file_pread_4k", 2000, file_read);
        measure("file_pread_1", 2000, file_read_1);
        measure("file_pwrite_4k", 2000, file_write);
        measure("file_fstat", 2000, file_stat);
        measure("file_open_close", 1000, file_open);
    }
    measure("nanosleep_past", 2000, sleep_until_past);
    measure_epoll();
}
