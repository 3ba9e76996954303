/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes to and from a disk, for a host that compares.
 *
 *   data SEED   the first half holds the pattern of SEED: read it, several threads at once, in many
 *               sizes; write the second half with the pattern of SEED + 1, flush, and read that back
 *   log [PORT]  write blocks with a number each, for ever; "acked N" says that all up to N are durable;
 *               and serve a page at PORT
 *
 * The pattern is that of tests/net/peer/services.c: PERIOD pseudo-random bytes, repeated, and the seed
 * says where it begins.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pith/blkdev.h>

#include "serve.h"

#define PERIOD  65521u
#define STRIDE  4099u
#define THREADS 4u
#define LARGEST (512u * 1024)

static char block[2 * PERIOD + LARGEST];
static struct blkdev *disk;

static void block_make(void)
{
    uint32_t x = 1;
    for (unsigned k = 0; k < PERIOD; k++) {
        x = x * 1664525u + 1013904223u;
        block[k] = (char)(x >> 24);
    }
    for (size_t k = PERIOD; k < sizeof(block); k++) {
        block[k] = block[k - PERIOD];
    }
}

/* LARGEST bytes of a seed's pattern. */
static const char *pattern(uint64_t seed, uint64_t at)
{
    return block + (seed * STRIDE + at) % PERIOD;
}

static int fail(const char *what, uint64_t off, size_t len, int error)
{
    printf("xenblk: FAIL %s of %zu bytes at %llu: %s\n", what, len, (unsigned long long)off,
           error ? strerror(-error) : "wrong bytes");
    fflush(stdout);
    return 1;
}

/* ---- both ways, byte-exact ---- */

struct part {
    pthread_t thread;
    uint64_t seed;
    uint64_t start;   /* where the pattern begins on the disk */
    uint64_t from, to;
    bool write;
};

static void *part_run(void *arg)
{
    const struct part *p = arg;
    char *buffer = malloc(LARGEST + 4096);
    unsigned k = (unsigned)(p->from / LARGEST);
    for (uint64_t off = p->from; buffer && off < p->to; k++) {
        /* From a block to LARGEST bytes, and from addresses that are not those of pages. */
        size_t len = (size_t)disk->block_size << (k * 5 % 11);
        len = len < LARGEST ? len : LARGEST;
        len = len < p->to - off ? len : p->to - off;
        char *at = buffer + k % 8 * 512;
        if (p->write) {
            memcpy(at, pattern(p->seed, off - p->start), len);
        } else {
            memset(at, 0xee, len);
        }
        int error = blkdev_rw(disk, p->write, at, len, off);
        if (error || memcmp(at, pattern(p->seed, off - p->start), len) != 0) {
            fail(p->write ? "write" : "read", off, len, error);
            free(buffer);
            return arg;
        }
        off += len;
    }
    free(buffer);
    return buffer ? NULL : arg;
}

/* [start, start + len) by several threads. */
static bool all_parts(uint64_t seed, uint64_t start, uint64_t len, bool write)
{
    struct part parts[THREADS];
    bool good = true;
    for (unsigned i = 0; i < THREADS; i++) {
        uint64_t piece = len / THREADS / 4096 * 4096;
        parts[i] = (struct part){.seed = seed, .start = start, .from = start + i * piece, .write = write,
                                 .to = i + 1 == THREADS ? start + len : start + (i + 1) * piece};
        if (pthread_create(&parts[i].thread, NULL, part_run, &parts[i]) != 0) {
            printf("xenblk: FAIL no thread\n");
            return false;
        }
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(parts[i].thread, &result);
        good = good && result == NULL;
    }
    return good;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int data(uint64_t seed)
{
    uint64_t half = disk->nsectors * BLKDEV_SECTOR / 2;
    double began = now();
    if (!all_parts(seed, 0, half, false)) {
        return 1;
    }
    double read = now();
    if (!all_parts(seed + 1, half, half, true)) {
        return 1;
    }
    int error = blkdev_flush(disk);
    if (error) {
        return fail("flush", 0, 0, error);
    }
    double written = now();
    if (!all_parts(seed + 1, half, half, false)) {
        return 1;
    }
    printf("xenblk: exact, %llu bytes each way, blocks of %u, read %.1f MB/s, written %.1f MB/s\n",
           (unsigned long long)half, (unsigned)disk->block_size, (double)half / (read - began) / 1e6,
           (double)half / (written - read) / 1e6);
    return 0;
}

/* ---- acknowledged blocks ---- */

#define LOG_BLOCK 4096u
#define LOG_BATCH 8u /* blocks of one request */
#define LOG_SLOTS 1024u /* the disk has at least these */

static volatile sig_atomic_t stopped;

static void on_term(int signum)
{
    (void)signum;
    stopped = 1;
}

/* Block n is full of 8-byte numbers: n * 512 + its place. */
static int log_blocks(void)
{
    static uint64_t words[LOG_BATCH * LOG_BLOCK / 8];
    signal(SIGTERM, on_term);
    if (disk->nsectors * BLKDEV_SECTOR < (uint64_t)LOG_SLOTS * LOG_BLOCK) {
        printf("xenblk: FAIL the disk is too small\n");
        return 1;
    }
    for (uint64_t n = 0; !stopped; n += LOG_BATCH) {
        for (unsigned i = 0; i < LOG_BATCH * LOG_BLOCK / 8; i++) {
            words[i] = n * (LOG_BLOCK / 8) + i;
        }
        uint64_t off = n % LOG_SLOTS * LOG_BLOCK;
        int error = blkdev_rw(disk, true, words, sizeof(words), off);
        error = error ? error : blkdev_flush(disk);
        if (error) {
            return fail("write", off, sizeof(words), error);
        }
        if (n / LOG_BATCH % 16 == 0) {
            printf("acked %llu\n", (unsigned long long)(n + LOG_BATCH - 1));
            fflush(stdout);
        }
    }
    printf("xenblk: stopped\n");
    return 0;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    bool is_data = argc == 3 && strcmp(word, "data") == 0;
    bool is_log = (argc == 2 || argc == 3) && strcmp(word, "log") == 0;
    if (!is_data && !is_log) {
        printf("usage: xenblk data SEED | log [PORT]\n");
        return 2;
    }
    block_make();
    disk = blkdev_at(0);
    if (!disk) {
        printf("xenblk: FAIL no disk\n");
        return 1;
    }
    if (is_data) {
        return data((uint64_t)atoll(argv[2]));
    }
    return argc == 3 && serve_start((unsigned)atoi(argv[2])) != 0 ? 1 : log_blocks();
}
