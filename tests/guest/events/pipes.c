/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes: order, capacity, atomic writes, ends that close, blocking in threads. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests.h"

#define ALL (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLRDHUP)

static char buf[100000];

static void states(void)
{
    int p[2];
    EQ(pipe2(p, O_NONBLOCK | O_CLOEXEC), 0);
    EQ(events_of(p[0], ALL), 0);
    EQ(events_of(p[1], ALL), POLLOUT | POLLWRNORM);
    FAILS(read(p[0], buf, 10), EAGAIN);
    EQ(read(p[0], buf, 0), 0);
    EQ(write(p[1], buf, 0), 0);
    FAILS(read(p[1], buf, 1), EBADF);
    FAILS(write(p[0], buf, 1), EBADF);
    FAILS(lseek(p[0], 0, SEEK_SET), ESPIPE);
    FAILS(pread(p[0], buf, 1, 0), ESPIPE);
    EQ(write(p[1], "hello", 5), 5);
    EQ(events_of(p[0], ALL), POLLIN | POLLRDNORM);
    int n = 0;
    EQ(ioctl(p[0], FIONREAD, &n), 0);
    EQ(n, 5);
    EQ(read(p[0], buf, 3), 3);
    EQ(read(p[0], buf + 3, 100), 2);
    OK(memcmp(buf, "hello", 5) == 0);
    struct stat st;
    EQ(fstat(p[0], &st), 0);
    OK(S_ISFIFO(st.st_mode));
    EQ(fcntl(p[0], F_GETFL) & O_ACCMODE, O_RDONLY);
    EQ(fcntl(p[1], F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_WRONLY | O_NONBLOCK);

    EQ(write(p[1], "rest", 4), 4);
    EQ(close(p[1]), 0);
    EQ(events_of(p[0], ALL), POLLIN | POLLRDNORM | POLLHUP);
    EQ(read(p[0], buf, 100), 4);
    EQ(events_of(p[0], ALL), POLLHUP);
    EQ(read(p[0], buf, 100), 0);
    EQ(close(p[0]), 0);

    EQ(pipe(p), 0);
    EQ(close(p[0]), 0);
    EQ(events_of(p[1], ALL), POLLOUT | POLLWRNORM | POLLERR);
    FAILS(write(p[1], buf, 1), EPIPE);
    EQ(write(p[1], buf, 0), 0);
    EQ(close(p[1]), 0);
    FAILS(pipe2(p, 1), EINVAL);
}

static volatile sig_atomic_t signals;

static void count_signal(int sig)
{
    (void)sig;
    signals++;
}

static void broken_pipe_signals(void)
{
    int p[2];
    EQ(pipe(p), 0);
    EQ(close(p[0]), 0);
    signal(SIGPIPE, count_signal);
    FAILS(write(p[1], buf, 1), EPIPE);
    EQ(signals, 1);
    signal(SIGPIPE, SIG_IGN);
    close(p[1]);
}

/* How much fits, and when there is room again: the numbers are Linux's. */
static void capacity(void)
{
    int p[2], total = 0;
    EQ(pipe2(p, O_NONBLOCK), 0);
    EQ(fcntl(p[0], F_GETPIPE_SZ), 65536);
    for (int n; (n = (int)write(p[1], buf, 1)) == 1;) {
        total++;
    }
    EQ(errno, EAGAIN);
    EQ(total, 65536);
    EQ(events_of(p[1], ALL), 0);
    EQ(read(p[0], buf, 4095), 4095);
    EQ(events_of(p[1], ALL), 0); /* the page isn't free yet */
    FAILS(write(p[1], buf, 1), EAGAIN);
    EQ(read(p[0], buf, 1), 1);
    EQ(events_of(p[1], ALL), POLLOUT | POLLWRNORM);
    EQ(write(p[1], buf, 4096), 4096);
    EQ(read(p[0], buf, 8192), 8192);
    EQ(write(p[1], buf, 10000), 8192); /* more than PIPE_BUF: what fits */
    EQ(read(p[0], buf, sizeof(buf)), 65536);
    EQ(write(p[1], buf, sizeof(buf)), 65536);
    FAILS(fcntl(p[1], F_SETPIPE_SZ, 4096), EBUSY);
    EQ(fcntl(p[1], F_SETPIPE_SZ, 100000), 131072);
    EQ(write(p[1], buf, sizeof(buf)), 65536);
    EQ(read(p[0], buf, sizeof(buf)), sizeof(buf));
    EQ(read(p[0], buf, sizeof(buf)), 131072 - sizeof(buf));
    EQ(fcntl(p[1], F_SETPIPE_SZ, 1), 4096);
    EQ(write(p[1], buf, 4000), 4000);
    FAILS(write(p[1], buf, 200), EAGAIN); /* all or nothing */
    EQ(write(p[1], buf, 96), 96);
    FAILS(fcntl(p[1], F_SETPIPE_SZ, 2 << 20), EPERM);
    FAILS(fcntl(1, F_GETPIPE_SZ), EBADF);
    close(p[0]);
    close(p[1]);
}

/* writev() of up to PIPE_BUF bytes is one write. */
static void vectors(void)
{
    int p[2];
    EQ(pipe2(p, O_NONBLOCK), 0);
    EQ(fcntl(p[1], F_SETPIPE_SZ, 4096), 4096);
    EQ(write(p[1], buf, 4090), 4090);
    struct iovec two[2] = { { "abc", 3 }, { "defgh", 5 } };
    FAILS(writev(p[1], two, 2), EAGAIN);
    EQ(read(p[0], buf, 4090), 4090);
    EQ(writev(p[1], two, 2), 8);
    char a[2], b[10];
    struct iovec in[3] = { { a, 2 }, { NULL, 0 }, { b, 10 } };
    EQ(readv(p[0], in, 3), 8);
    OK(memcmp(a, "ab", 2) == 0 && memcmp(b, "cdefgh", 6) == 0);
    FAILS(readv(p[1], in, 3), EBADF);
    FAILS(writev(p[0], in, 3), EBADF);
    close(p[0]);
    close(p[1]);
}

#define STREAM (4u << 20)

static unsigned char pattern(unsigned long at)
{
    return (unsigned char)(at * 2654435761u >> 13);
}

static void *stream_writer(void *arg)
{
    int fd = *(int *)arg;
    unsigned char piece[10007];
    unsigned long at = 0;
    while (at < STREAM) {
        unsigned long n = at % 9973 + 1;
        n = n < STREAM - at ? n : STREAM - at;
        for (unsigned long i = 0; i < n; i++) {
            piece[i] = pattern(at + i);
        }
        if (!EQ(write(fd, piece, n), n)) {
            break;
        }
        at += n;
    }
    close(fd);
    return NULL;
}

static void blocking_stream(void)
{
    int p[2];
    pthread_t t;
    EQ(pipe(p), 0);
    EQ(pthread_create(&t, NULL, stream_writer, &p[1]), 0);
    unsigned long at = 0, wrong = 0;
    for (ssize_t n; (n = read(p[0], buf, at % 30011 + 1)) > 0; at += (unsigned long)n) {
        for (ssize_t i = 0; i < n; i++) {
            wrong += (unsigned char)buf[i] != pattern(at + (unsigned long)i);
        }
    }
    EQ(at, STREAM);
    EQ(wrong, 0);
    pthread_join(t, NULL);
    close(p[0]);
}

#define RECORDS 3000

static void *record_writer(void *arg)
{
    int *fd = arg;
    char record[1000];
    static unsigned next_id;
    int id = (int)__atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
    memset(record, id, sizeof(record));
    for (int i = 0; i < RECORDS; i++) {
        EQ(write(*fd, record, sizeof(record)), sizeof(record));
    }
    return NULL;
}

/* Records of three writers never mix. */
static void atomic_records(void)
{
    int p[2];
    pthread_t t[3];
    EQ(pipe(p), 0);
    for (int i = 0; i < 3; i++) {
        EQ(pthread_create(&t[i], NULL, record_writer, &p[1]), 0);
    }
    unsigned mixed = 0;
    for (int i = 0; i < 3 * RECORDS; i++) {
        size_t have = 0;
        while (have < 1000) {
            ssize_t n = read(p[0], buf + have, 1000 - have);
            if (!OK(n > 0)) {
                return;
            }
            have += (size_t)n;
        }
        for (int k = 1; k < 1000; k++) {
            mixed += buf[k] != buf[0];
        }
    }
    EQ(mixed, 0);
    for (int i = 0; i < 3; i++) {
        pthread_join(t[i], NULL);
    }
    close(p[0]);
    close(p[1]);
}

static void *close_soon(void *arg)
{
    usleep(20000);
    close(*(int *)arg);
    return NULL;
}

/* Who waits is woken by the other end's close. */
static void close_wakes(void)
{
    int p[2];
    pthread_t t;
    EQ(pipe(p), 0);
    EQ(pthread_create(&t, NULL, close_soon, &p[1]), 0);
    EQ(read(p[0], buf, 1), 0);
    pthread_join(t, NULL);
    close(p[0]);
    EQ(pipe(p), 0);
    EQ(pthread_create(&t, NULL, close_soon, &p[0]), 0);
    EQ(write(p[1], buf, sizeof(buf)), 65536); /* what went in before counts */
    FAILS(write(p[1], buf, 1), EPIPE);
    pthread_join(t, NULL);
    close(p[1]);
}

void pipe_checks(void)
{
    run_check("pipe_states", states);
    run_check("pipe_signal", broken_pipe_signals);
    run_check("pipe_capacity", capacity);
    run_check("pipe_vectors", vectors);
    run_check("pipe_stream", blocking_stream);
    run_check("pipe_records", atomic_records);
    run_check("pipe_close_wakes", close_wakes);
}
