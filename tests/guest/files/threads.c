/* SPDX-License-Identifier: BSD-2-Clause */
/* Several threads at once: appending, changing the same names, reading what others write. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "parts.h"

#define THREADS 4
#define RECORDS 2000
#define RECORD  24u /* does not divide a page */

static void run_threads(void *(*fn)(void *))
{
    pthread_t t[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_create(&t[i], NULL, fn, (void *)i), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], NULL);
    }
}

/* Each with its own descriptor: no record may be lost or torn. */
static void *append(void *arg)
{
    char record[RECORD + 1];
    int fd = open("log", O_WRONLY | O_APPEND);
    for (int i = 0; i < RECORDS; i++) {
        snprintf(record, sizeof(record), "%d %10d %10d\n", (int)(uintptr_t)arg, i, i);
        struct iovec v[2] = { { record, 5 }, { record + 5, RECORD - 5 } };
        if ((i % 2 ? write(fd, record, RECORD) : writev(fd, v, 2)) != RECORD) {
            CHECK(!"record written");
            break;
        }
    }
    close(fd);
    return NULL;
}

void threads_append(void)
{
    int next[THREADS] = { 0 };
    put_file("log", "");
    run_threads(append);
    CHECK_EQ(size_of("log"), THREADS * RECORDS * RECORD);
    FILE *f = fopen("log", "r");
    int who, a, b;
    while (f != NULL && fscanf(f, "%d %d %d\n", &who, &a, &b) == 3) {
        if (!CHECK(who >= 0 && who < THREADS && a == b && a == next[who])) {
            break;
        }
        next[who]++;
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQ(next[i], RECORDS);
    }
    fclose(f);
    CHECK_EQ(unlink("log"), 0);
}

/* Few names and many hands; any error that a lone thread couldn't get is fine, a wrong one isn't. */
static void *scramble(void *arg)
{
    uint64_t rng = 88172645463325252ull + (uintptr_t)arg * 7919;
    char a[32], b[32];
    for (int i = 0; i < 3000; i++) {
        snprintf(a, sizeof(a), "w/%d/%d", (int)(next_random(&rng) % 3), (int)(next_random(&rng) % 5));
        snprintf(b, sizeof(b), "w/%d/%d", (int)(next_random(&rng) % 3), (int)(next_random(&rng) % 5));
        struct stat st;
        int r = 0, fd;
        errno = 0;
        switch (next_random(&rng) % 9) {
        case 0:
        case 1:
            fd = open(a, O_WRONLY | O_CREAT, 0644);
            r = fd >= 0 ? (int)write(fd, a, 6) : -1;
            close(fd);
            break;
        case 2:
            r = unlink(a);
            break;
        case 3:
        case 4:
            r = rename(a, b);
            break;
        case 5:
            r = mkdir(a, 0755);
            break;
        case 6:
            r = rmdir(a);
            break;
        case 7:
            r = link(a, b);
            break;
        default:
            r = stat(a, &st);
        }
        if (r < 0 && errno != ENOENT && errno != EEXIST && errno != EISDIR && errno != ENOTDIR &&
            errno != EPERM && errno != ENOTEMPTY && errno != EBADF && errno != EINVAL) {
            CHECK_EQ(errno, 0);
        }
        if (i % 100 == 0) {
            DIR *d = opendir("w/1");
            while (d != NULL && readdir(d) != NULL) {
            }
            closedir(d);
        }
    }
    return NULL;
}

/* Afterwards the tree is whole: links and entries agree, and all of it can be removed. */
void threads_names(void)
{
    const char *top[] = { "w", "w/0", "w/1", "w/2" };
    unsigned files = 0, links = 0;
    long before = sysconf(_SC_AVPHYS_PAGES);
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(mkdir(top[i], 0755), 0);
    }
    run_threads(scramble);
    ino_t seen[64];
    for (int i = 1; i < 4; i++) {
        DIR *d = opendir(top[i]);
        const struct dirent *e;
        unsigned dirs = 0;
        struct stat st;
        while ((e = readdir(d)) != NULL) {
            if (e->d_name[0] == '.' || !CHECK(fstatat(dirfd(d), e->d_name, &st, 0) == 0)) {
                continue;
            }
            dirs += S_ISDIR(st.st_mode);
            if (S_ISREG(st.st_mode)) {
                bool again = false;
                for (unsigned k = 0; k < files; k++) {
                    again = again || seen[k] == st.st_ino;
                }
                links++;
                if (!again && files < 64) {
                    seen[files++] = st.st_ino;
                    links += 1000 * (unsigned)st.st_nlink;
                }
            }
        }
        CHECK(fstat(dirfd(d), &st) == 0 && st.st_nlink == 2 + dirs);
        closedir(d);
    }
    CHECK_EQ(links / 1000, links % 1000);
    for (int i = 1; i < 4; i++) {
        DIR *d = opendir(top[i]);
        const struct dirent *e;
        while ((e = readdir(d)) != NULL) {
            if (e->d_name[0] != '.') {
                CHECK(unlinkat(dirfd(d), e->d_name, 0) == 0 ||
                      unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR) == 0);
            }
        }
        closedir(d);
        CHECK_EQ(rmdir(top[i]), 0);
    }
    CHECK_EQ(rmdir("w"), 0);
#ifdef __pith__
    CHECK(sysconf(_SC_AVPHYS_PAGES) >= before - 32);
#else
    (void)before;
#endif
}

#define BLOCK 200000u /* long enough that threads are interrupted within a copy */

/*
 * A write is one step for those who read: a block is never half of one and half of another. (POSIX
 * 2017, 2.9.7; most of Linux' file systems only keep it within a page.)
 */
#ifdef __pith__
#define ATOMIC true
#else
#define ATOMIC false
#endif

static void *read_or_write(void *arg)
{
    char *block = malloc(BLOCK);
    int fd = open("shared", O_RDWR);
    for (int i = 0; i < 300; i++) {
        if (arg == NULL || arg == (void *)1) {
            memset(block, 'a' + i % 26, BLOCK);
            if (pwrite(fd, block, BLOCK, 100) != BLOCK) {
                CHECK(!"block written");
            }
        } else if (pread(fd, block, BLOCK, 100) == BLOCK && ATOMIC) {
            char first = block[0];
            if (memchr(block, 0, BLOCK) != NULL || block[BLOCK - 1] != first ||
                memcmp(block, block + 1, BLOCK - 1) != 0) {
                CHECK(!"a block of one writer");
                break;
            }
        }
    }
    close(fd);
    free(block);
    return NULL;
}

void threads_readers(void)
{
    put_file("shared", "");
    run_threads(read_or_write);
    CHECK_EQ(unlink("shared"), 0);
}
