/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk in sizes, orders, directions and depths: by pread() and pwrite() on the disk and on a file
 * that stays in memory, and by the system's own calls. A depth of 32 is 32 threads with one call each
 * at a time, as POSIX has it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grid.h"

#define KIB   1024ul
#define DEPTH 32u
#define SIZE  (65536 * KIB) /* what is used of the disk */
#define HOT   (4096 * KIB)  /* of the file */
#define DISK  "/dev/vdb"
#define FILE_PATH "/data/hot"

/* One cell of the grid. */
struct cell {
    const char *path; /* NULL: the system's own calls */
    bool write, random;
    size_t unit;
    unsigned depth;
};

static struct cell cell;
static int fd;
static uint64_t limit, begin;
static _Atomic uint64_t next, done;
static uint8_t *buffers; /* DEPTH of the largest unit */

static uint64_t place(uint64_t i)
{
    size_t size = cell.path != NULL && strcmp(cell.path, FILE_PATH) == 0 ? HOT : SIZE;
    uint64_t n = cell.random ? i * 2654435761u : i; /* odd: each place once */
    return n % (size / cell.unit) * cell.unit;
}

static void *work(void *arg)
{
    uint8_t *buffer = arg;
    do {
        off_t at = (off_t)place(atomic_fetch_add(&next, 1));
        ssize_t n = cell.write ? pwrite(fd, buffer, cell.unit, at) : pread(fd, buffer, cell.unit, at);
        if (n != (ssize_t)cell.unit) {
            fail("grid");
        }
        atomic_fetch_add(&done, 1);
    } while (now_ns() - begin < limit);
    return NULL;
}

static uint64_t by_calls(int flags)
{
    pthread_t threads[DEPTH];
    fd = open(cell.path, (cell.write ? O_RDWR : O_RDONLY) | (strcmp(cell.path, DISK) == 0 ? flags : 0));
    if (fd < 0) {
        fail(cell.path);
    }
    atomic_store(&next, 0);
    atomic_store(&done, 0);
    begin = now_ns();
    for (unsigned i = 1; i < cell.depth; i++) {
        if (pthread_create(&threads[i], NULL, work, buffers + i * cell.unit) != 0) {
            fail("pthread_create");
        }
    }
    work(buffers);
    for (unsigned i = 1; i < cell.depth; i++) {
        pthread_join(threads[i], NULL);
    }
    uint64_t took = now_ns() - begin;
    close(fd);
    limit = took; /* for who prints */
    return atomic_load(&done);
}

static void measure(int flags)
{
    static const char *const kinds[] = { "direct", "raw", "file" };
    bool file = cell.path != NULL && strcmp(cell.path, FILE_PATH) == 0;
    struct disk_counts before, after;
    bool counted = !file && disk_counts("vdb", &before);
    uint64_t wanted = limit, n;
    if (cell.path == NULL) {
        begin = now_ns();
        n = disk_direct("vdb", cell.write, cell.unit, cell.depth, limit, place);
        limit = now_ns() - begin;
    } else {
        n = by_calls(flags);
    }
    double took = (double)limit;
    limit = wanted;
    if (n == 0) {
        return;
    }
    char name[64];
    snprintf(name, sizeof(name), "%s-%s-%s-%luk-d%u", kinds[(cell.path != NULL) + file],
             cell.write ? "write" : "read", cell.random ? "random" : "seq",
             (unsigned long)(cell.unit / KIB), cell.depth);
    if (cell.unit == 4 * KIB) {
        printf("disk %s IOPS %.1f\n", name, (double)n * 1e9 / took);
    } else {
        printf("disk %s MB/s %.2f\n", name, (double)n * (double)cell.unit * 1e3 / took);
    }
    if (counted && disk_counts("vdb", &after) && after.requests > before.requests) {
        double requests = (double)(after.requests - before.requests);
        printf("disk %s kicks/request %.3f\n", name,
               (double)(after.kicks - before.kicks) / requests);
        printf("disk %s interrupts/request %.3f\n", name,
               (double)(after.interrupts - before.interrupts) / requests);
    }
}

void grid_run(uint64_t limit_ns, int flags)
{
    static const char *const paths[] = { NULL, DISK, FILE_PATH };
    static const struct {
        size_t unit;
        bool random;
    } orders[] = { { 4 * KIB, false }, { 4 * KIB, true }, { 16 * KIB, true }, { 128 * KIB, false },
                   { 128 * KIB, true }, { 1024 * KIB, false } };
    if (posix_memalign((void **)&buffers, 4096, DEPTH * 1024 * KIB) != 0) {
        fail("memory");
    }
    memset(buffers, 'g', DEPTH * 1024 * KIB);
    fd = open(FILE_PATH, O_RDWR | O_CREAT, 0644);
    for (size_t at = 0; at < HOT; at += 1024 * KIB) {
        if (fd < 0 || pwrite(fd, buffers, 1024 * KIB, (off_t)at) != (ssize_t)(1024 * KIB)) {
            fail(FILE_PATH);
        }
    }
    close(fd);
    limit = limit_ns;
    for (unsigned p = 0; p < 3; p++) {
        for (unsigned o = 0; o < sizeof(orders) / sizeof(orders[0]); o++) {
            for (unsigned k = 0; k < 4; k++) {
                cell = (struct cell){ paths[p], k & 1, orders[o].random, orders[o].unit, k & 2 ? DEPTH : 1 };
                measure(flags);
            }
        }
    }
    free(buffers);
}
