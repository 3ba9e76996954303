/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads all over a disk, by one thread or several:
 *
 *     reads PATH FLAGS PAUSE_MS [COUNT SIZE THREADS]...
 *
 * FLAGS are for open(), where the system keeps its blocks in memory else. Each three words are a measurement, which
 * is announced by "reads begin", a pause in which others may look, and ends with "reads SIZE THREADS SECONDS".
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define ALIGNED      4096
#define THREADS_MAX  64
#define OPEN_WAIT_MS 10000 /* for a driver to find the disk */

static int fd;
static off_t disk_size;
static size_t size;
static long each; /* reads of a thread */

static void fail(const char *what)
{
    fprintf(stderr, "reads: %s: errno %d\n", what, errno);
    exit(1);
}

static void *read_some(void *arg)
{
    uint32_t place = (uint32_t)(uintptr_t)arg;
    off_t places = disk_size / (off_t)size;
    void *buffer;

    if (posix_memalign(&buffer, ALIGNED, size) != 0) {
        fail("memory");
    }
    for (long i = 0; i < each; i++) {
        place = place * 1664525 + 1013904223; /* Numerical Recipes' generator: its high bits will do */
        if (pread(fd, buffer, size, (off_t)(place >> 8) % places * (off_t)size) != (ssize_t)size) {
            fail("pread");
        }
    }
    free(buffer);
    return NULL;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void measure(long count, unsigned threads, useconds_t pause)
{
    pthread_t thread[THREADS_MAX];

    if (size == 0 || disk_size < (off_t)size || threads == 0 || threads > THREADS_MAX) {
        fail("SIZE or THREADS");
    }
    each = count / threads;
    puts("reads begin");
    usleep(pause);
    double began = now();
    for (uintptr_t i = 1; i < threads; i++) {
        if (pthread_create(&thread[i], NULL, read_some, (void *)i) != 0) {
            fail("pthread_create");
        }
    }
    read_some(NULL);
    for (unsigned i = 1; i < threads; i++) {
        pthread_join(thread[i], NULL);
    }
    printf("reads %zu %u %.6f\n", size, threads, now() - began);
}

int main(int argc, char **argv)
{
    struct timespec step = { .tv_nsec = 1000000 };

    if (argc < 4 || argc % 3 != 1) {
        fail("see the first comment of main.c");
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 0; (fd = open(argv[1], O_RDONLY | atoi(argv[2]))) < 0; i++) {
        if (i == OPEN_WAIT_MS) {
            fail(argv[1]);
        }
        nanosleep(&step, NULL);
    }
    disk_size = lseek(fd, 0, SEEK_END);
    for (int i = 4; i + 2 < argc; i += 3) {
        size = strtoul(argv[i + 1], NULL, 10);
        measure(atol(argv[i]), (unsigned)atoi(argv[i + 2]), (useconds_t)atoi(argv[3]) * 1000);
    }
    puts("reads done");
    return 0;
}
