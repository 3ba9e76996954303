/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk that lies (tests/hostile/vhost_blk.py) beside an honest one: the lie costs an error, not
 * the machine.
 *
 * Arguments: the kind of lie; host.py serves /dev/vda accordingly, whose first requests are
 * answered well.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pith/blkdev.h>
#include <pith/platform.h>

#include "check.h"

#define PATTERN 0x9E3779B97F4A7C15ULL
#define HONEST_REQUESTS 20 /* host.py says the same */

static struct blkdev *liar, *honest;
static const char *lie;
static char buffer[65536];

static bool right(const char *p, size_t len, uint64_t off)
{
    for (size_t i = 0; i < len; i += 8) {
        uint64_t v = (off + i) * PATTERN;
        if (memcmp(p + i, &v, 8) != 0) {
            return false;
        }
    }
    return true;
}

static void before(void)
{
    CHECK(strcmp(liar->serial, "hostile") == 0);
    for (unsigned i = 0; i < HONEST_REQUESTS; i++) {
        memset(buffer, 0, 4096);
        CHECK_EQ(blkdev_rw(liar, false, buffer, 4096, i * 4096), 0);
        CHECK(right(buffer, 4096, i * 4096));
    }
}

/* The lies begin: the error arrives, and within its time. */
static void during(void)
{
    uint64_t began = platform_clock_ns();
    bool fatal = strcmp(lie, "bad-status") != 0 && strcmp(lie, "no-status") != 0 &&
                 strcmp(lie, "error") != 0;
    if (strcmp(lie, "good") == 0) {
        CHECK_EQ(blkdev_rw(liar, false, buffer, 65536, 0), 0);
        CHECK(right(buffer, 65536, 0));
        CHECK_EQ(blkdev_rw(liar, true, buffer, 65536, 65536), 0);
        CHECK_EQ(blkdev_flush(liar), 0);
        return;
    }
    if (strcmp(lie, "scribble") == 0) {
        /* Chance may leave some requests as they were; all are answered. */
        for (unsigned i = 0; i < 100 && !liar->failed; i++) {
            int r = blkdev_rw(liar, false, buffer, 512, 0);
            CHECK(r == 0 || r == -EIO);
        }
    } else {
        CHECK_EQ(blkdev_rw(liar, false, buffer, 65536, 0), -EIO);
    }
    CHECK(platform_clock_ns() - began < 8000000000ULL);
    CHECK_EQ(liar->failed, fatal);
    began = platform_clock_ns();
    CHECK_EQ(blkdev_rw(liar, false, buffer, 4096, 0), -EIO);
    CHECK_EQ(blkdev_rw(liar, true, buffer, 4096, 0), -EIO);
    CHECK_EQ(blkdev_flush(liar), -EIO);
    if (fatal) {
        /* At once, not after another time-out. */
        CHECK(platform_clock_ns() - began < 1000000000ULL);
    }
}

static void others(void)
{
    for (unsigned i = 0; i < 50; i++) {
        memset(buffer, 0, sizeof buffer);
        CHECK_EQ(blkdev_rw(honest, false, buffer, sizeof buffer, i * 512), 0);
        CHECK(right(buffer, sizeof buffer, i * 512));
    }
}

int main(int argc, char **argv)
{
    lie = argc > 1 ? argv[1] : "";
    for (unsigned i = 0; i < 2; i++) {
        struct blkdev *dev = blkdev_at(i);
        if (dev == NULL) {
            printf("FAIL start: there is no disk %u\n", i);
            return 1;
        }
        *(strcmp(dev->serial, "hostile") == 0 ? &liar : &honest) = dev;
    }
    if (liar == NULL || honest == NULL) {
        printf("FAIL start: wrong serial numbers\n");
        return 1;
    }
    check_run("before", before);
    check_run("during", during);
    check_run("others", others);
    return check_done();
}
