/* sources: libos/fs/blkdev.c libos/fs/blkdev_list.c libos/fs/blkfile.c libos/fs/file.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block devices and their files over a made-up device that takes few requests at a time, completes
 * them in random order when somebody waits, and fails on demand. A copy in memory is the judge.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <linux/fs.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <pith/blkdev.h>
#include <pith/file.h>
#include <pith/heap.h>
#include <pith/thread.h>
#include <pith/waitq.h>

#include "libos/fs/blkfile.h"

#include "unit.h"

#include "fake_cpu.h"

#define RING      5u
#define DISK_SIZE (300u * 4096u)

static unsigned char disk[DISK_SIZE], copy[DISK_SIZE];
static struct blk_request *ring[RING];
static unsigned in_ring, most_in_ring, submits, flushes, discards, polls;
static unsigned fail_after = ~0u; /* requests that still succeed */
static uint64_t rng = 88172645463325252ull;
static struct blkdev dev512, dev4k, readonly;

/* ---- the device ---- */

static void complete(unsigned i)
{
    struct blk_request *req = ring[i];
    ring[i] = ring[--in_ring];
    req->status = 0;
    if (fail_after == 0) {
        req->status = -EIO;
    } else {
        fail_after--;
        size_t at = req->sector * BLKDEV_SECTOR;
        for (unsigned s = 0; s < req->nsegments; s++) {
            if (req->op == BLK_READ) {
                memcpy(req->segment[s].base, disk + at, req->segment[s].len);
            } else {
                memcpy(disk + at, req->segment[s].base, req->segment[s].len);
            }
            at += req->segment[s].len;
        }
        flushes += req->op == BLK_FLUSH;
        if (req->op == BLK_DISCARD) {
            memset(disk + at, 0xdd, req->nsectors * BLKDEV_SECTOR);
            discards++;
        }
    }
    req->done(req);
}

static int fake_submit(struct blkdev *dev, struct blk_request **req, unsigned n)
{
    unsigned taken = 0;
    submits++;
    if (dev->failed) {
        return -EIO;
    }
    while (taken < n && in_ring < RING) {
        ring[in_ring++] = req[taken++];
    }
    most_in_ring = in_ring > most_in_ring ? in_ring : most_in_ring;
    return (int)taken;
}

static int fake_poll(struct blkdev *dev)
{
    (void)dev;
    polls++;
    if (in_ring != 0) {
        complete((unsigned)(unit_random(&rng) % in_ring));
        return 1;
    }
    return 0;
}

static const struct blkdev *released;

static void fake_release(struct blkdev *dev)
{
    released = dev;
}

static const struct blkdev_ops ops = { fake_submit, fake_poll, fake_release };

/* ---- what the sources need of the rest ---- */

int waitq_wait(struct waitq *q, struct spinlock *lock, uint64_t deadline)
{
    (void)q;
    (void)deadline;
    spin_release(lock);
    EXPECT(in_ring != 0); /* else nobody would ever wake it */
    if (in_ring == 0) {
        abort();
    }
    complete((unsigned)(unit_random(&rng) % in_ring));
    spin_acquire(lock);
    return 0;
}

unsigned waitq_wake_all(struct waitq *q)
{
    (void)q;
    return 0;
}

void thread_sleep_until(uint64_t deadline)
{
    (void)deadline;
}

uint64_t platform_clock_ns(void)
{
    return 0;
}

void platform_irq_replay(void)
{
}

void klog(enum log_level level, const char *fmt, ...)
{
    (void)level;
    (void)fmt;
}

void *heap_alloc(size_t size)
{
    return malloc(size);
}

void heap_free(void *p)
{
    free(p);
}

int platform_probe_block(void)
{
    blkdev_attach(&dev512);
    blkdev_attach(&dev4k);
    blkdev_attach(&readonly);
    return 3;
}

static void make_device(struct blkdev *dev, uint32_t block, uint32_t max_bytes, bool ro)
{
    *dev = (struct blkdev){ .ops = &ops, .nsectors = DISK_SIZE / BLKDEV_SECTOR, .block_size = block,
                            .max_segments = 1, .max_bytes = max_bytes, .readonly = ro,
                            .has_flush = true };
}

/* ---- tests ---- */

static void test_names(void)
{
    EXPECT(blkdev_find("vda") == &dev512);
    EXPECT(blkdev_find("vdb") == &dev4k);
    EXPECT(blkdev_find("vdc") == &readonly);
    EXPECT(blkdev_find("vdd") == NULL);
    EXPECT(blkdev_at(1) == &dev4k);
    EXPECT(blkdev_at(3) == NULL);
    static struct blkdev many[30];
    for (unsigned i = 0; i < 30; i++) {
        make_device(&many[i], 512, 4096, false);
        blkdev_attach(&many[i]);
    }
    EXPECT_STR(many[22].name, "vdz");
    EXPECT_STR(many[23].name, "vdaa");
    EXPECT_STR(many[24].name, "vdab");
}

/* Own names and aliases, names that come free, and devices that go while somebody has them open. */
static void test_coming_and_going(void)
{
    static struct blkdev some[4];
    static char buf[4096];
    struct file *f, *g;
    for (unsigned i = 0; i < 4; i++) {
        make_device(&some[i], 512, 4096, false);
    }
    strcpy(some[0].name, "vdq");
    strcpy(some[1].name, "vdzz5");
    strcpy(some[1].alias, "other5");
    for (unsigned i = 0; i < 2; i++) {
        blkdev_attach(&some[i]);
    }
    EXPECT_STR(some[0].name, "vdah"); /* its own was taken */
    EXPECT_STR(some[1].name, "vdzz5");
    EXPECT(some[1].number == 34);
    EXPECT(blkdev_find("other5") == &some[1] && blkdev_find("") == NULL);

    EXPECT(blkfile_open("other5", O_RDWR, &f) == 0 && blkfile_open("vdzz5", O_RDONLY, &g) == 0);
    EXPECT(file_pwrite(f, buf, 512, 0) == 512);
    unsigned before = submits;
    blkdev_detach(&some[1]);
    EXPECT(released == NULL && blkdev_find("vdzz5") == NULL && blkdev_find("other5") == NULL);
    EXPECT(file_pread(f, buf, 512, 0) == -ENXIO && file_pwrite(f, buf, 512, 0) == -ENXIO);
    EXPECT(file_pread(f, buf, 100, 3) == -ENXIO && f->ops->fsync(f) == -ENXIO);
    EXPECT(submits == before);
    struct stat st = { 0 };
    EXPECT(f->ops->fstat(f, &st) == 0 && S_ISBLK(st.st_mode));

    /* The next one takes the name and number; who has the old one open does not see it. */
    strcpy(some[2].name, "vdzz5");
    blkdev_attach(&some[2]);
    EXPECT(blkdev_find("vdzz5") == &some[2] && some[2].number == 34);
    EXPECT(file_pread(f, buf, 512, 0) == -ENXIO);
    blkdev_put(&some[1]); /* the driver's */
    EXPECT(released == NULL);
    file_unref(f);
    EXPECT(released == NULL);
    file_unref(g);
    EXPECT(released == &some[1]);
    released = NULL;
    blkdev_detach(&some[2]);
    blkdev_put(&some[2]);
    EXPECT(released == &some[2]);
    char name[BLKDEV_NAME_MAX];
    unsigned n = 0;
    while (blkdev_name_at(n, name)) {
        n++;
    }
    EXPECT(n == 34);
    EXPECT_STR(name, "vdah");
    some[0].failed = true;
    EXPECT(blkdev_rw(&some[0], false, buf, 512, 0) == -EIO);
    blkdev_detach(&some[0]);
}

static void test_discard(void)
{
    struct file *f;
    uint64_t range[2] = { 8192, 4096 };
    EXPECT(blkfile_open("vda", O_RDWR, &f) == 0);
    EXPECT(f->ops->ioctl(f, BLKDISCARD, range) == -EOPNOTSUPP);
    dev512.has_discard = readonly.has_discard = true;
    EXPECT(f->ops->ioctl(f, BLKDISCARD, range) == 0);
    EXPECT(disk[8191] == 0 && disk[8192] == 0xdd && disk[12287] == 0xdd && disk[12288] == 0);
    /* In pieces that the device takes. */
    memset(disk, 0, sizeof(disk));
    dev512.max_discard = 3;
    EXPECT(f->ops->ioctl(f, BLKDISCARD, range) == 0 && discards == 1 + 3);
    EXPECT(disk[8191] == 0 && disk[8192] == 0xdd && disk[12287] == 0xdd && disk[12288] == 0);
    dev512.max_discard = 0;
    EXPECT(blkdev_discard(&dev512, 100, 512) == -EINVAL);
    EXPECT(blkdev_discard(&dev512, DISK_SIZE, 512) == -EINVAL);
    EXPECT(blkdev_discard(&dev512, DISK_SIZE, 0) == 0);
    EXPECT(blkdev_discard(&readonly, 0, 512) == -EROFS);
    EXPECT(blkdev_discard(&dev4k, 0, 512) == -EINVAL);
    file_unref(f);
    EXPECT(blkfile_open("vda", O_RDONLY, &f) == 0);
    EXPECT(f->ops->ioctl(f, BLKDISCARD, range) == -EBADF);
    file_unref(f);
    memset(disk, 0, sizeof(disk));
}

static void test_limits(void)
{
    static char buf[8192];
    EXPECT(blkdev_rw(&dev512, false, buf, 512, DISK_SIZE) == -EINVAL);
    EXPECT(blkdev_rw(&dev512, false, buf, 512, UINT64_MAX - 511) == -EINVAL);
    EXPECT(blkdev_rw(&dev512, false, buf, 100, 0) == -EINVAL);
    EXPECT(blkdev_rw(&dev512, false, buf, 512, 7) == -EINVAL);
    EXPECT(blkdev_rw(&dev4k, false, buf, 512, 0) == -EINVAL);
    EXPECT(blkdev_rw(&readonly, true, buf, 512, 0) == -EROFS);
    EXPECT(blkdev_rw(&dev512, false, buf, 0, 0) == 0);
    EXPECT(blkdev_rw(&dev512, false, buf, 512, DISK_SIZE - 512) == 0);
    struct file *f;
    EXPECT(blkfile_open("vdc", O_RDWR, &f) == -EROFS);
    EXPECT(blkfile_open("nothing", O_RDONLY, &f) == -ENOENT);
}

/* Random reads and writes at any offset, compared with the copy. */
static void test_random(const char *name)
{
    static unsigned char buf[200000];
    struct file *f;
    unsigned wrong = 0;
    EXPECT(blkfile_open(name, O_RDWR, &f) == 0);
    for (unsigned step = 0; step < 3000; step++) {
        size_t pos = unit_random(&rng) % DISK_SIZE;
        size_t len = unit_random(&rng) % (step % 10 == 0 ? sizeof(buf) : 3000);
        size_t want = len < DISK_SIZE - pos ? len : DISK_SIZE - pos;
        if (step % 2 == 0) {
            for (size_t i = 0; i < len; i++) {
                buf[i] = (unsigned char)unit_random(&rng);
            }
            wrong += file_pwrite(f, buf, len, (off_t)pos) != (ssize_t)want;
            memcpy(copy + pos, buf, want);
        } else {
            wrong += file_pread(f, buf, len, (off_t)pos) != (ssize_t)want;
            wrong += memcmp(copy + pos, buf, want) != 0;
        }
    }
    EXPECT(wrong == 0);
    EXPECT(memcmp(disk, copy, DISK_SIZE) == 0);
    EXPECT(f->ops->fsync(f) == 0);
    file_unref(f);
}

static void test_position(void)
{
    char buf[600];
    struct file *f;
    EXPECT(blkfile_open("vda", O_RDWR, &f) == 0);
    EXPECT(file_seek(f, 0, SEEK_END) == DISK_SIZE);
    EXPECT(file_read(f, buf, 10) == 0);
    EXPECT(file_write(f, buf, 10) == -ENOSPC);
    EXPECT(file_seek(f, -100, SEEK_CUR) == DISK_SIZE - 100);
    EXPECT(file_read(f, buf, 600) == 100);
    EXPECT(memcmp(buf, copy + DISK_SIZE - 100, 100) == 0);
    EXPECT(file_seek(f, -1, SEEK_SET) == -EINVAL);
    EXPECT(file_seek(f, 0, 77) == -EINVAL);
    EXPECT(file_seek(f, INT64_MAX, SEEK_END) == -EOVERFLOW);
    EXPECT(file_seek(f, 1000, SEEK_SET) == 1000);
    EXPECT(file_read(f, buf, 600) == 600 && memcmp(buf, copy + 1000, 600) == 0);
    EXPECT(file_read(f, buf, 600) == 600 && memcmp(buf, copy + 1600, 600) == 0);
    EXPECT(file_pread(f, buf, 1, -1) == -EINVAL);
    struct stat st = { 0 };
    EXPECT(f->ops->fstat(f, &st) == 0 && S_ISBLK(st.st_mode) && st.st_size == DISK_SIZE);
    uint64_t bytes = 0;
    EXPECT(f->ops->ioctl(f, BLKGETSIZE64, &bytes) == 0 && bytes == DISK_SIZE);
    EXPECT(f->ops->ioctl(f, 12345, &bytes) == -ENOTTY);
    file_unref(f);
    EXPECT(blkfile_open("vda", O_RDONLY, &f) == 0);
    EXPECT(file_write(f, buf, 10) == -EBADF);
    file_unref(f);
}

/* An error in the middle: everything at the device has come back when the call returns. */
static void test_errors(void)
{
    static char buf[100 * 4096];
    fail_after = 3;
    EXPECT(blkdev_rw(&dev512, false, buf, sizeof(buf), 0) == -EIO);
    EXPECT(in_ring == 0);
    EXPECT(blkdev_flush(&dev512) == -EIO);
    fail_after = ~0u;
    dev512.failed = true;
    EXPECT(blkdev_rw(&dev512, true, buf, 4096, 0) == -EIO);
    dev512.failed = false;
    unsigned before = flushes;
    EXPECT(blkdev_flush(&dev512) == 0 && flushes == before + 1);
    EXPECT(blkdev_rw(&dev512, false, buf, sizeof(buf), 0) == 0);
    EXPECT(memcmp(buf, copy, sizeof(buf)) == 0);
}

/* The ring is full of somebody else's requests: the transfer polls and gets through. */
static void foreign_done(struct blk_request *req)
{
    req->arg = req;
}

static void test_full_ring(void)
{
    static char buf[4096], other[RING][512];
    static struct blk_request foreign[RING];
    static struct blk_segment seg[RING];
    for (unsigned i = 0; i < RING; i++) {
        seg[i] = (struct blk_segment){ other[i], 512 };
        foreign[i] = (struct blk_request){ .op = BLK_READ, .segment = &seg[i], .nsegments = 1,
                                           .done = foreign_done };
        ring[in_ring++] = &foreign[i];
    }
    unsigned before = polls;
    EXPECT(blkdev_rw(&dev512, false, buf, sizeof(buf), 0) == 0);
    EXPECT(polls > before);
    while (in_ring != 0) {
        fake_poll(&dev512);
    }
    EXPECT(memcmp(buf, copy, sizeof(buf)) == 0);
}

int main(void)
{
    fake_cpu_init();
    make_device(&dev512, 512, 10000, false);
    make_device(&dev4k, 4096, 16384, false);
    make_device(&readonly, 512, 65536, true);
    test_names();
    test_coming_and_going();
    test_discard();
    test_limits();
    test_random("vda");
    test_random("vdb");
    EXPECT(most_in_ring == RING);
    test_position();
    test_errors();
    test_full_ring();
    return unit_done();
}
