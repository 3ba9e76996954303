/* SPDX-License-Identifier: BSD-2-Clause */
/* Contents: against a model, with holes, without space, and of files that have lost their name. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "parts.h"

#define MODEL_MAX 700000u
#define STEPS     3000

static unsigned char model[MODEL_MAX], buf[MODEL_MAX];
static size_t model_size;

static void model_write(size_t at, const unsigned char *data, size_t n)
{
    if (n == 0) {
        return;
    }
    memcpy(model + at, data, n);
    model_size = at + n > model_size ? at + n : model_size;
}

static void model_resize(size_t size)
{
    if (size < model_size) {
        memset(model + size, 0, model_size - size);
    }
    model_size = size;
}

/* One step; what comes back has to be what the model says. */
static bool step(int fd, uint64_t *rng, off_t *pos)
{
    size_t at = next_random(rng) % MODEL_MAX;
    size_t n = next_random(rng) % (next_random(rng) % 8 == 0 ? 100000 : 6000);
    n = at + n > MODEL_MAX ? MODEL_MAX - at : n;
    size_t want = at >= model_size ? 0 : model_size - at < n ? model_size - at : n;
    for (size_t i = 0; i < n; i += 64) {
        buf[i] = (unsigned char)next_random(rng);
    }
    switch (next_random(rng) % 8) {
    case 0:
    case 1:
        if (pwrite(fd, buf, n, (off_t)at) != (ssize_t)n) {
            return false;
        }
        model_write(at, buf, n);
        return true;
    case 2:
        *pos = (off_t)(at / 2);
        n = n > MODEL_MAX - at / 2 ? MODEL_MAX - at / 2 : n;
        if (lseek(fd, *pos, SEEK_SET) != *pos || write(fd, buf, n) != (ssize_t)n) {
            return false;
        }
        model_write(at / 2, buf, n);
        return lseek(fd, 0, SEEK_CUR) == *pos + (off_t)n;
    case 3:
        at = next_random(rng) % 3 == 0 ? at : model_size < at ? model_size / 2 : at;
        model_resize(at);
        return ftruncate(fd, (off_t)at) == 0;
    case 4:
        return lseek(fd, 0, SEEK_END) == (off_t)model_size;
    case 5:
        return size_of("f") == (off_t)model_size;
    default:
        return pread(fd, buf, n, (off_t)at) == (ssize_t)want && memcmp(buf, model + at, want) == 0;
    }
}

void data_model(void)
{
    uint64_t rng = 0x9e3779b97f4a7c15ull;
    off_t pos = 0;
    long before = sysconf(_SC_AVPHYS_PAGES);
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    for (int i = 0; i < STEPS; i++) {
        if (!step(fd, &rng, &pos)) {
            CHECK_EQ(i, -1); /* says which step */
            break;
        }
    }
    CHECK_EQ(pread(fd, buf, MODEL_MAX, 0), model_size);
    CHECK(memcmp(buf, model, model_size) == 0);
    FAILS(EINVAL, pread(fd, buf, 1, -1));
    FAILS(EINVAL, lseek(fd, -1, SEEK_SET));
    FAILS(EINVAL, ftruncate(fd, -1));
    FAILS(EINVAL, truncate("f", -1));
    FAILS(EISDIR, truncate(".", 0));
    FAILS(ENOENT, truncate("no", 0));
    CHECK_EQ(truncate("f", 5), 0);
    CHECK_EQ(size_of("f"), 5);
    close(fd);
    CHECK_EQ(unlink("f"), 0);
#ifdef __pith__
    CHECK(sysconf(_SC_AVPHYS_PAGES) >= before - 16);
#else
    (void)before;
#endif
}

void data_sparse(void)
{
    char zero[100] = "";
    struct stat st;
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    off_t far = (off_t)1 << 40;
    CHECK_EQ(pwrite(fd, "end", 3, far), 3);
    CHECK_EQ(lseek(fd, 0, SEEK_END), far + 3);
    CHECK(fstat(fd, &st) == 0 && st.st_blocks < 1000);
    CHECK_EQ(pread(fd, buf, 100, far - 100), 100);
    CHECK(memcmp(buf, zero, 100) == 0);
    CHECK_EQ(pwrite(fd, "mid", 3, far / 3), 3);
    CHECK_EQ(pread(fd, buf, 5, far / 3 - 1), 5);
    CHECK(memcmp(buf, "\0mid\0", 5) == 0);
    CHECK_EQ(ftruncate(fd, far / 3 + 1), 0);
    CHECK_EQ(ftruncate(fd, far), 0); /* what was cut off is zero */
    CHECK_EQ(pread(fd, buf, 5, far / 3 - 1), 5);
    CHECK(memcmp(buf, "\0m\0\0\0", 5) == 0);
    CHECK_EQ(pwrite(fd, "x", 1, 10), 1);
    CHECK_EQ(pread(fd, buf, 12, 0), 12);
    CHECK(memcmp(buf, "\0\0\0\0\0\0\0\0\0\0x\0", 12) == 0);
    CHECK_EQ(ftruncate(fd, 0), 0);
    CHECK_EQ(posix_fallocate(fd, 5000, 10000), 0);
    CHECK(fstat(fd, &st) == 0 && st.st_size == 15000 && st.st_blocks * 512 >= 10000);
    CHECK_EQ(posix_fallocate(fd, 0, 0), EINVAL);
    CHECK_EQ(posix_fallocate(fd, -1, 1), EINVAL);
    CHECK_EQ(posix_fallocate(999, 0, 1), EBADF);
    close(fd);
    CHECK_EQ(unlink("f"), 0);
}

void data_removed(void)
{
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    struct stat st;
    CHECK_EQ(write(fd, "still here", 10), 10);
    CHECK_EQ(unlink("f"), 0);
    CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0 && st.st_size == 10);
    put_file("f", "other");
    CHECK_EQ(pread(fd, buf, 20, 0), 10);
    CHECK(memcmp(buf, "still here", 10) == 0);
    CHECK_EQ(pwrite(fd, "more", 4, 10), 4);
    CHECK(holds("f", "other"));
    put_file("g", "newest");
    int old = open("f", O_RDONLY);
    CHECK_EQ(rename("g", "f"), 0);
    CHECK_EQ(read(old, buf, 10), 5);
    CHECK(memcmp(buf, "other", 5) == 0 && holds("f", "newest"));
    close(old);
    close(fd);
    CHECK_EQ(unlink("f"), 0);
}

#ifdef __pith__
/* Write until there is no room. Returns how much there was. */
static size_t fill(const char *path)
{
    size_t all = 0;
    ssize_t n;
    int fd = open(path, O_WRONLY | O_CREAT, 0644);
    while ((n = write(fd, model, 65536)) > 0) {
        all += (size_t)n;
    }
    CHECK(n == -1 && errno == ENOSPC);
    close(fd);
    return all;
}

/* Also without a single page for files the machine goes on, and gets all of it back. */
void data_full(void)
{
    struct statvfs vfs;
    long before = sysconf(_SC_AVPHYS_PAGES);
    CHECK_EQ(statvfs(".", &vfs), 0);
    size_t room = vfs.f_bavail * vfs.f_frsize;
    size_t got = fill("f");
    CHECK(got <= room && got > room - room / 16);
    CHECK_EQ(size_of("f"), got);
    CHECK(statvfs(".", &vfs) == 0 && vfs.f_bavail < 4);
    void *p = malloc(100000); /* the reserve is the program's */
    CHECK(p != NULL);
    free(p);
    unsigned names = 0;
    char name[] = "n0000000";
    while (names < 1000000) { /* names need memory, too */
        for (unsigned i = 7, n = names; i > 0; i--, n /= 10) {
            name[i] = (char)('0' + n % 10);
        }
        int fd = open(name, O_WRONLY | O_CREAT, 0644);
        if (fd < 0) {
            CHECK_EQ(errno, ENOSPC);
            break;
        }
        close(fd);
        names++;
    }
    CHECK(names < 1000000);
    FAILS(ENOSPC, mkdir("no-room-for-this-directory", 0755));
    while (names-- > 0) {
        for (unsigned i = 7, n = names; i > 0; i--, n /= 10) {
            name[i] = (char)('0' + n % 10);
        }
        CHECK_EQ(unlink(name), 0);
    }
    CHECK_EQ(unlink("f"), 0);
    CHECK(sysconf(_SC_AVPHYS_PAGES) >= before - 32);
    CHECK(fill("f") >= got - got / 64);
    int fd = open("f", O_RDWR);
    CHECK_EQ(posix_fallocate(fd, 0, (off_t)room * 2), ENOSPC);
    close(fd);
    CHECK_EQ(unlink("f"), 0);
    CHECK(sysconf(_SC_AVPHYS_PAGES) >= before - 32);
}
#else
void data_full(void)
{
}
#endif
