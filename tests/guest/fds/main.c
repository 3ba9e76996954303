/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors by the ten thousand: the lowest free one, the limit, copies, threads. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "check.h"

#define FILES 20000

static void limit(void)
{
    int max = (int)sysconf(_SC_OPEN_MAX), e = eventfd(0, 0);
    CHECK_EQ(max, 65536);
    CHECK_EQ(getdtablesize(), max);
    CHECK_EQ(e, 3);
    for (int i = 4; i < max; i++) {
        if (!CHECK_EQ(dup(e), i)) {
            return;
        }
    }
    CHECK_EQ(dup(e), -1);
    CHECK_EQ(errno, EMFILE);
    int p[2] = { -5, -5 };
    CHECK_EQ(pipe(p), -1);
    CHECK_EQ(errno, EMFILE);
    CHECK_EQ(p[0], -5);
    CHECK_EQ(close(777), 0);
    CHECK_EQ(pipe(p), -1); /* there is one, but not two */
    CHECK_EQ(errno, EMFILE);
    CHECK_EQ(open("/dev/null", O_RDONLY), 777);
    CHECK_EQ(fcntl(e, F_DUPFD, 0), -1);
    CHECK_EQ(errno, EMFILE);
    CHECK_EQ(fcntl(e, F_DUPFD, max), -1);
    CHECK_EQ(errno, EINVAL);
    CHECK_EQ(fcntl(e, F_DUPFD, -1), -1);
    CHECK_EQ(errno, EINVAL);
    CHECK_EQ(dup2(e, max), -1);
    CHECK_EQ(errno, EBADF);
    CHECK_EQ(dup2(e, max - 1), max - 1);
    for (int i = 3; i < max; i++) {
        if (!CHECK_EQ(close(i), 0)) {
            return;
        }
    }
    CHECK_EQ(close(3), -1);
    CHECK_EQ(errno, EBADF);
}

/* Each new descriptor is the lowest that is free, compared with a model, in random order. */
static void lowest(void)
{
    static unsigned char taken[FILES];
    unsigned long seed = 99;
    int e = eventfd(0, 0), open_now = 0;
    memset(taken, 1, 4);
    for (int i = 0; i < 60000; i++) {
        seed = seed * 6364136223846793005ul + 1442695040888963407ul;
        unsigned r = (unsigned)(seed >> 33);
        bool growing = i < 30000 ? r % 4 != 0 : r % 4 == 0;
        if (growing) {
            int from = r >> 8 & 7 ? 0 : (int)(r >> 11 & 0x3fff);
            int want = from;
            while (want < FILES && taken[want]) {
                want++;
            }
            if (want < FILES) {
                CHECK_EQ(fcntl(e, F_DUPFD, from), want);
                taken[want] = 1;
                open_now++;
            }
        } else {
            int fd = (int)(r >> 8) % FILES;
            bool was = fd > 3 && taken[fd];
            if (fd > 3) {
                CHECK_EQ(close(fd), was ? 0 : -1);
                taken[fd] = 0;
                open_now -= was;
            }
        }
    }
    CHECK(open_now > 0);
    for (int fd = 3; fd < FILES; fd++) {
        CHECK_EQ(close(fd), taken[fd] ? 0 : -1);
    }
}

/* 20,000 files of their own, and the memory comes back. */
static void many_files(void)
{
    long free_before = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < FILES; i++) {
            if (!CHECK_EQ(eventfd((unsigned)i, 0), 3 + i)) {
                return;
            }
        }
        eventfd_t v;
        for (int i = 1; i < FILES; i += 997) {
            CHECK_EQ(eventfd_read(3 + i, &v), 0);
            CHECK_EQ(v, i);
        }
        for (int i = 0; i < FILES; i++) {
            CHECK_EQ(close(3 + i), 0);
        }
        if (round == 0) {
            free_before = sysconf(_SC_AVPHYS_PAGES);
        }
    }
    CHECK(sysconf(_SC_AVPHYS_PAGES) >= free_before - 4);
}

/* Threads open and close; no descriptor is ever given to two of them. */
static unsigned char owners[65536];

static void *opener(void *arg)
{
    int mine[16], n = 0;
    unsigned long seed = (unsigned long)arg;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005ul + 1442695040888963407ul;
        if (n < 16 && (n == 0 || seed >> 40 & 1)) {
            int fd = dup(1);
            CHECK(fd >= 3);
            CHECK_EQ(__atomic_fetch_add(&owners[fd], 1, __ATOMIC_SEQ_CST), 0);
            mine[n++] = fd;
        } else {
            int fd = mine[--n];
            __atomic_fetch_sub(&owners[fd], 1, __ATOMIC_SEQ_CST);
            CHECK_EQ(close(fd), 0);
        }
    }
    while (n > 0) {
        __atomic_fetch_sub(&owners[mine[--n]], 1, __ATOMIC_SEQ_CST);
        CHECK_EQ(close(mine[n]), 0);
    }
    return NULL;
}

static void threads(void)
{
    pthread_t t[4];
    for (unsigned long i = 0; i < 4; i++) {
        CHECK_EQ(pthread_create(&t[i], NULL, opener, (void *)(i + 1)), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
    }
    CHECK_EQ(dup(1), 3);
    close(3);
}

int main(void)
{
    check_run("limit", limit);
    check_run("lowest", lowest);
    check_run("many_files", many_files);
    check_run("threads", threads);
    return check_done();
}
