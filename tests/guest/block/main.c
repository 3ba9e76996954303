/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block devices as the host sees them: what is written lies on the disk, what lies there is read,
 * and errors are told. The argument says which part; test.cfg gives each its disks.
 *
 * The pattern is tests/runner/disks.py's: at each 8-byte offset o stands o * PATTERN.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pith/blkdev.h>
#include <pith/irq.h>
#include <pith/platform.h>
#include <pith/thread.h>

#include "check.h"

#define PATTERN 0x9E3779B97F4A7C15ULL
#define MAX     (1024 * 1024)
#define BATCH   64
#define WAIT_NS 20000000000ULL

static struct blkdev *disk;
static char *buffer; /* 2 * MAX */

static void fill(char *p, size_t len, uint64_t off)
{
    for (size_t i = 0; i < len; i += 8) {
        uint64_t v = (off + i) * PATTERN;
        memcpy(p + i, &v, 8);
    }
}

/* How many of the bytes are the pattern's, from the start on. */
static size_t matching(const char *p, size_t len, uint64_t off)
{
    for (size_t i = 0; i < len; i += 8) {
        uint64_t v = (off + i) * PATTERN;
        if (memcmp(p + i, &v, 8) != 0) {
            return i;
        }
    }
    return len;
}

/* ---- many requests at once, by hand ---- */

static struct blk_request requests[BATCH];
static struct blk_segment segments[BATCH][4];
static unsigned finished;

static PITH_INTERRUPT void done(struct blk_request *req)
{
    (void)req;
    __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
}

/* Request i of a batch: `len` bytes at byte offset `off`, cut into n segments of odd lengths. */
static void prepare(unsigned i, enum blk_op op, char *p, size_t len, uint64_t off, unsigned n)
{
    n = n < disk->max_segments ? n : disk->max_segments;
    for (unsigned s = 0; s < n; s++) {
        size_t part = s + 1 == n ? len : len / 3 + s;
        segments[i][s] = (struct blk_segment){ p, part };
        p += part;
        len -= part;
    }
    requests[i] = (struct blk_request){
        .op = op,
        .sector = off / BLKDEV_SECTOR,
        .segment = segments[i],
        .nsegments = n,
        .done = done,
    };
}

/*
 * Hand in requests [0, n) and wait for them, by interrupts alone or by polling. Returns the first
 * error.
 */
static int run(unsigned n, bool poll)
{
    struct blk_request *list[BATCH];
    unsigned given = 0;
    uint64_t deadline = platform_clock_ns() + WAIT_NS;
    finished = 0;
    for (unsigned i = 0; i < n; i++) {
        list[i] = &requests[i];
    }
    while (__atomic_load_n(&finished, __ATOMIC_SEQ_CST) < n) {
        if (given < n) {
            int taken = disk->ops->submit(disk, list + given, n - given);
            if (taken < 0) {
                return taken;
            }
            given += (unsigned)taken;
        }
        if (poll) {
            disk->ops->poll(disk);
        } else {
            thread_sleep_until(platform_clock_ns() + 100000);
        }
        if (platform_clock_ns() > deadline) {
            return -ETIMEDOUT;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        if (requests[i].status != 0) {
            return requests[i].status;
        }
    }
    return 0;
}

/* ---- writing: the host compares afterwards ---- */

/* The first MiB in requests of one sector, the last ones first. */
static void write_sectors(void)
{
    for (int at = 2048 - BATCH; at >= 0; at -= BATCH) {
        for (unsigned i = 0; i < BATCH; i++) {
            uint64_t off = (unsigned)at * 512ULL + i * 512;
            fill(buffer + i * 512, 512, off);
            prepare(i, BLK_WRITE, buffer + i * 512, 512, off, 1 + i % 4);
        }
        if (CHECK_EQ(run(BATCH, at & BATCH), 0) == false) {
            return;
        }
    }
}

/* The rest in growing pieces, from buffers at odd addresses. */
static void write_sizes(void)
{
    uint64_t off = MAX;
    uint64_t end = disk->nsectors * BLKDEV_SECTOR;
    for (unsigned k = 0; off < end; k++) {
        size_t len = (size_t)512 << (k % 12); /* up to 1 MiB */
        len = len < end - off ? len : end - off;
        char *p = buffer + (k * 24) % 4096;
        fill(p, len, off);
        if (!CHECK_EQ(blkdev_rw(disk, true, p, len, off), 0)) {
            return;
        }
        off += len;
    }
    CHECK_EQ(blkdev_flush(disk), 0);
}

static void flush_many(void)
{
    for (unsigned i = 0; i < 8; i++) {
        prepare(i, BLK_FLUSH, NULL, 0, 0, 0);
    }
    CHECK_EQ(run(8, false), 0);
}

/* ---- reading what the host has put there ---- */

static void read_sizes(void)
{
    uint64_t size = disk->nsectors * BLKDEV_SECTOR;
    uint64_t random = 1;
    for (unsigned k = 0; k < 120; k++) {
        size_t len = (size_t)512 << (k % 12);
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
        uint64_t off = (random >> 20) % ((size - len) / 512 + 1) * 512;
        char *p = buffer + (k * 40) % 4096;
        memset(p, 0xee, len);
        if (!CHECK_EQ(blkdev_rw(disk, false, p, len, off), 0) ||
            !CHECK_EQ(matching(p, len, off), len)) {
            return;
        }
    }
}

static void read_many(void)
{
    for (unsigned round = 0; round < 8; round++) {
        memset(buffer, 0xee, BATCH * 4096);
        for (unsigned i = 0; i < BATCH; i++) {
            uint64_t off = (i * 37 % BATCH + round) * 4096ULL;
            prepare(i, BLK_READ, buffer + i * 4096, 4096, off, 1 + i % 4);
        }
        CHECK_EQ(run(BATCH, round & 1), 0);
        for (unsigned i = 0; i < BATCH; i++) {
            uint64_t off = (i * 37 % BATCH + round) * 4096ULL;
            CHECK_EQ(matching(buffer + i * 4096, 4096, off), 4096);
        }
    }
}

/* Segments in memory that is mapped page by page: on the stack, in the image, in the heap. */
static void read_places(void)
{
    static char in_image[4096];
    char on_stack[4096];
    char *in_heap = malloc(4096);
    char *places[3] = { in_image, on_stack, in_heap };
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(blkdev_rw(disk, false, places[i], 4096, i * 8192), 0);
        CHECK_EQ(matching(places[i], 4096, i * 8192), 4096);
    }
    free(in_heap);
}

static void read_file(void)
{
    int fd = open("/dev/vda", O_RDONLY);
    if (!CHECK(fd >= 0)) {
        return;
    }
    CHECK_EQ(pread(fd, buffer, 100000, 8), 100000);
    CHECK_EQ(matching(buffer, 100000, 8), 100000);
    close(fd);
}

/* ---- errors ---- */

static void bounds(void)
{
    uint64_t size = disk->nsectors * BLKDEV_SECTOR;
    CHECK_EQ(blkdev_rw(disk, false, buffer, 512, size - 512), 0);
    CHECK_EQ(blkdev_rw(disk, false, buffer, 512, size), -EINVAL);
    CHECK_EQ(blkdev_rw(disk, false, buffer, 1024, size - 512), -EINVAL);
    CHECK_EQ(blkdev_rw(disk, false, buffer, 512, UINT64_MAX - 511), -EINVAL);
    CHECK_EQ(blkdev_rw(disk, false, buffer, 500, 0), -EINVAL);
    CHECK_EQ(blkdev_rw(disk, false, buffer, 512, 100), -EINVAL);
    /* The same past blkdev.c, at the driver. */
    prepare(0, BLK_READ, buffer, 512, size, 1);
    CHECK_EQ(run(1, true), -EINVAL);
    prepare(0, BLK_READ, buffer, 512, 0, 0);
    CHECK_EQ(run(1, true), -EINVAL);
    CHECK(!disk->failed);
}

static void readonly(void)
{
    CHECK(disk->readonly);
    CHECK_EQ(blkdev_rw(disk, true, buffer, 512, 0), -EROFS);
    prepare(0, BLK_WRITE, buffer, 512, 0, 1);
    CHECK_EQ(run(1, true), -EROFS);
    CHECK_EQ(blkdev_rw(disk, false, buffer, 4096, 0), 0);
    CHECK_EQ(matching(buffer, 4096, 0), 4096);
}

/* host.py lets sector 16 fail to be read and sector 32 to be written. */
static void bad_sectors(void)
{
    CHECK_EQ(blkdev_rw(disk, false, buffer, 4096, 0), 0);
    CHECK_EQ(blkdev_rw(disk, false, buffer, 512, 16 * 512), -EIO);
    CHECK_EQ(blkdev_rw(disk, false, buffer, MAX, 0), -EIO);
    CHECK_EQ(blkdev_rw(disk, true, buffer, 512, 32 * 512), -EIO);
    CHECK_EQ(blkdev_rw(disk, true, buffer, 512, 40 * 512), 0);
    CHECK_EQ(blkdev_rw(disk, false, buffer, 4096, 0), 0);
    CHECK(!disk->failed);
}

/* The disks come in the order of the command line. */
static void order(void)
{
    struct blkdev *second = blkdev_find("vdb");
    CHECK(strcmp(disk->serial, "disk0") == 0);
    if (CHECK(second != NULL)) {
        CHECK(strcmp(second->serial, "disk1") == 0);
        CHECK_EQ(blkdev_rw(second, false, buffer, 4096, 4096), 0);
        CHECK_EQ(matching(buffer, 4096, 4096), 4096);
    }
    CHECK(blkdev_find("vdc") == NULL && blkdev_at(2) == NULL);
}

static void no_disk(void)
{
    CHECK(disk == NULL);
    CHECK(open("/dev/vda", O_RDONLY) < 0 && errno == ENOENT);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *part, *name;
        void (*fn)(void);
    } checks[] = {
        { "write", "write-sectors", write_sectors }, { "write", "write-sizes", write_sizes },
        { "write", "flush-many", flush_many },       { "read", "read-sizes", read_sizes },
        { "read", "read-many", read_many },          { "read", "read-places", read_places },
        { "read", "read-file", read_file },          { "read", "bounds", bounds },
        { "readonly", "readonly", readonly },        { "errors", "bad-sectors", bad_sectors },
        { "order", "order", order },                 { "none", "no-disk", no_disk },
    };
    const char *part = argc > 1 ? argv[1] : "";
    buffer = malloc(2 * MAX);
    disk = blkdev_at(0);
    if (buffer == NULL || (disk == NULL && strcmp(part, "none") != 0)) {
        printf("FAIL start: %s\n", buffer == NULL ? "no memory" : "no disk");
        return 1;
    }
    for (unsigned i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (strcmp(checks[i].part, part) == 0) {
            check_run(checks[i].name, checks[i].fn);
        }
    }
    return check_done();
}
