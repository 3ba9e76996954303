/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What files of a disk and the disk itself cost, on Pith and on Linux: disk MILLISECONDS FLAGS [grid], of each measure,
 * and for opening the disk (where the system keeps its blocks in memory else); with `grid` what grid.c does. /data is an ext4 file system with the files cold-a, cold-b and cold-c of COLD bytes; /dev/vdb is a disk
 * without one. Prints `disk NAME UNIT VALUE`.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "grid.h"

#define KIB   1024ul
#define SMALL (4 * KIB)
#define LARGE (128 * KIB)
#define HOT   (4096 * KIB)  /* bytes of a file that stays in memory */
#define COLD  (65536 * KIB) /* of each of those that are not */

#define RAW   (-1)          /* flags: what the second argument says */

static uint64_t limit_ns;
static int raw_flags;
static uint8_t *buf; /* LARGE bytes, aligned to a page */

void fail(const char *what)
{
    perror(what);
    exit(1);
}

uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static off_t spread(uint64_t i, size_t of, size_t unit)
{
    return (off_t)(i * 2654435761u % (of / unit) * unit); /* odd: each place once */
}

/* Operation i; how many bytes. */
struct measure {
    const char *name, *path;
    size_t unit, size; /* of an operation; of the file or what is used of it */
    int flags;
    bool write, random;
    unsigned sync;     /* after so many; 0: at the end */
    uint64_t most;     /* operations; 0: as many as the time allows */
};

static size_t one(const struct measure *m, int fd, uint64_t i)
{
    off_t at = m->random ? spread(i, m->size, m->unit) : (off_t)(i * m->unit % m->size);
    ssize_t n = m->write ? pwrite(fd, buf, m->unit, at) : pread(fd, buf, m->unit, at);
    if (n != (ssize_t)m->unit) {
        fail(m->name);
    }
    if (m->sync != 0 && (i + 1) % m->sync == 0 && fsync(fd) != 0) {
        fail("fsync");
    }
    return (size_t)n;
}

static void run(const struct measure *m)
{
    int fd = open(m->path, (m->write ? O_RDWR | O_CREAT : O_RDONLY) | (m->flags == RAW ? raw_flags : m->flags), 0644);
    uint64_t begin = now_ns(), took = 0, i = 0, bytes = 0;
    if (fd < 0) {
        fail(m->path);
    }
    while (took < limit_ns && (m->most == 0 || i < m->most)) {
        for (unsigned k = 0; k < 8 && (m->most == 0 || i < m->most); k++, i++) {
            bytes += one(m, fd, i);
        }
        took = now_ns() - begin;
    }
    if (m->write && fsync(fd) != 0) {
        fail("fsync");
    }
    took = now_ns() - begin;
    close(fd);
    if (m->unit == SMALL) {
        printf("disk %s IOPS %.1f\n", m->name, (double)i * 1e9 / (double)took);
    } else {
        printf("disk %s MB/s %.2f\n", m->name, (double)bytes * 1e3 / (double)took);
    }
}

static const struct measure measures[] = {
    { "cold-read-128k", "/data/cold-a", LARGE, COLD, 0, false, false, 0, COLD / LARGE },
    { "cold-read-4k", "/data/cold-b", SMALL, COLD, 0, false, false, 0, COLD / SMALL },
    { "cold-read-random-4k", "/data/cold-c", SMALL, COLD, 0, false, true, 0, COLD / SMALL },
    { "write-128k", "/data/new", LARGE, 2 * COLD, 0, true, false, 0, 2 * COLD / LARGE },
    { "write-4k", "/data/new-small", SMALL, COLD, 0, true, false, 0, COLD / SMALL },
    { "append-4k-fsync", "/data/log", SMALL, COLD, 0, true, false, 1, COLD / SMALL },
    { "hot-prepare", "/data/hot", LARGE, HOT, 0, true, false, 0, HOT / LARGE },
    { "hot-read-4k", "/data/hot", SMALL, HOT, 0, false, true, 0, 0 },
    { "hot-read-128k", "/data/hot", LARGE, HOT, 0, false, false, 0, 0 },
    { "overwrite-random-4k", "/data/hot", SMALL, HOT, 0, true, true, 0, 0 },
    { "overwrite-random-4k-fsync", "/data/hot", SMALL, HOT, 0, true, true, 1, 0 },
    { "raw-read-128k", "/dev/vdb", LARGE, COLD, RAW, false, false, 0, 0 },
    { "raw-read-random-4k", "/dev/vdb", SMALL, COLD, RAW, false, true, 0, 0 },
    { "raw-write-128k", "/dev/vdb", LARGE, COLD, RAW, true, false, 0, 0 },
    { "raw-write-random-4k", "/dev/vdb", SMALL, COLD, RAW, true, true, 0, 0 },
    { "raw-write-random-4k-fsync", "/dev/vdb", SMALL, COLD, RAW, true, true, 1, 0 },
};

/* Small files: made, written to and closed; and with an fsync() of each. */
static void create(const char *name, bool sync)
{
    char path[64];
    uint64_t begin = now_ns(), i = 0;
    for (; now_ns() - begin < limit_ns; i++) {
        snprintf(path, sizeof(path), "/data/%s-%lu", name, (unsigned long)i);
        int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0644);
        if (fd < 0 || write(fd, buf, 2000) != 2000 || (sync && fsync(fd) != 0) || close(fd) != 0) {
            fail(path);
        }
    }
    printf("disk %s IOPS %.1f\n", name, (double)i * 1e9 / (double)(now_ns() - begin));
}

static volatile bool stop;

/* Something else that keeps the disk at work: small writes that are synced. */
static void *disturb(void *arg)
{
    static uint8_t block[SMALL];
    int fd = open("/data/other", O_CREAT | O_RDWR, 0644);
    for (uint64_t i = 0; !stop; i++) {
        if (pwrite(fd, block, SMALL, (off_t)(i % 256 * SMALL)) != (ssize_t)SMALL || fsync(fd) != 0) {
            fail("other");
        }
    }
    close(fd);
    return arg;
}

static void beside(void)
{
    static const struct measure m = { "hot-read-4k-beside-fsync", "/data/hot", SMALL, HOT, 0, false, true, 0, 0 };
    pthread_t t;
    if (pthread_create(&t, NULL, disturb, NULL) != 0) {
        fail("pthread_create");
    }
    usleep(20000);
    run(&m);
    stop = true;
    pthread_join(t, NULL);
}

int main(int argc, char **argv)
{
    limit_ns = (argc > 1 ? strtoul(argv[1], NULL, 10) : 500) * 1000000u;
    raw_flags = argc > 2 ? atoi(argv[2]) : 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 3) {
        grid_run(limit_ns, raw_flags);
        printf("disk done\n");
        return 0;
    }
    if (posix_memalign((void **)&buf, 4096, LARGE) != 0) {
        fail("memory");
    }
    memset(buf, 'd', LARGE);
    for (unsigned i = 0; i < sizeof(measures) / sizeof(measures[0]); i++) {
        run(&measures[i]);
    }
    create("create-2k", false);
    create("create-2k-fsync", true);
    beside();
    printf("disk done\n");
    return 0;
}
