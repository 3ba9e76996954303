/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checks of descriptors, devices, clocks and the rest. Included by main.c only, after check.h.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

#define PATTERN 0x9e3779b97f4a7c15ull /* tests/runner/disks.py: word at offset o is o * PATTERN */

static void formats(void)
{
    char buf[100];
    snprintf(buf, sizeof(buf), "%d %5s|%-5s| %08.3f %g %zu %lld %x", -7, "ab", "cd", 3.14159, 1e100,
             (size_t)12, 1ll << 40, 255);
    CHECK(strcmp(buf, "-7    ab|cd   | 0003.142 1e+100 12 1099511627776 ff") == 0);
    CHECK(strtod("1.5e3", NULL) == 1500.0);
    CHECK(sqrt(2.0) > 1.414 && pow(2.0, 10.0) == 1024.0);
    long double wide = 1.0L / 3;
    snprintf(buf, sizeof(buf), "%.15Lf", wide);
    CHECK(strcmp(buf, "0.333333333333333") == 0);
    int a = 0;
    char word[10];
    CHECK_EQ(sscanf("17 bananas", "%d %9s", &a, word), 2);
    CHECK_EQ(a, 17);
    jmp_buf env;
    volatile int passes = 0;
    int r = setjmp(env);
    passes = passes + 1;
    if (r == 0) {
        longjmp(env, 0);
    }
    CHECK_EQ(r, 1);
    CHECK_EQ(passes, 2);
}

static void descriptors(void)
{
    char c = 'x';
    CHECK_EQ(read(77, &c, 1), -1);
    CHECK_EQ(errno, EBADF);
    CHECK_EQ(write(-1, &c, 1), -1);
    CHECK_EQ(close(77), -1);
    CHECK_EQ(errno, EBADF);
    CHECK_EQ(lseek(1, 0, SEEK_CUR), -1);
    CHECK_EQ(errno, ESPIPE);
    int fd = open("/dev/null", O_WRONLY);
    CHECK_EQ(fd, 3);
    CHECK_EQ(read(fd, &c, 1), -1);
    CHECK_EQ(errno, EBADF);
    CHECK_EQ(fcntl(fd, F_GETFL), O_WRONLY);
    CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    int copy = dup(fd);
    CHECK_EQ(copy, 4);
    CHECK_EQ(fcntl(copy, F_GETFL), O_WRONLY | O_NONBLOCK);
    CHECK_EQ(fcntl(fd, F_DUPFD, 20), 20);
    CHECK_EQ(dup2(fd, 500), 500);
    CHECK_EQ(dup2(fd, fd), fd);
    CHECK_EQ(dup2(fd, (int)sysconf(_SC_OPEN_MAX)), -1);
    CHECK_EQ(dup2(77, 5), -1);
    CHECK_EQ(close(fd), 0);
    CHECK_EQ(write(500, &c, 1), 1); /* the copies live on */
    CHECK_EQ(close(copy) | close(20) | close(500), 0);
    int first = open("/dev/zero", O_RDONLY), n = 1, last = first;
    while ((copy = dup(first)) >= 0) {
        last = copy;
        n++;
    }
    CHECK_EQ(errno, EMFILE);
    CHECK_EQ(first, 3);
    CHECK_EQ(n, sysconf(_SC_OPEN_MAX) - 3);
    CHECK_EQ(last, sysconf(_SC_OPEN_MAX) - 1);
    for (int i = 3; i <= last; i++) {
        CHECK_EQ(close(i), 0);
    }
    CHECK_EQ(open("/dev/nothing", O_RDONLY), -1);
    CHECK_EQ(errno, ENOENT);
    CHECK_EQ(open("/etc/passwd", O_RDONLY), -1);
    CHECK_EQ(errno, ENOENT);
    CHECK_EQ(open("/dev/new", O_RDWR | O_CREAT, 0644), -1);
    CHECK_EQ(errno, EROFS);
}

static void devices(void)
{
    char buf[64];
    memset(buf, 1, sizeof(buf));
    FILE *zero = fopen("/dev/zero", "r");
    CHECK(zero != NULL && fread(buf, 1, sizeof(buf), zero) == sizeof(buf) && buf[63] == 0);
    fclose(zero);
    FILE *full = fopen("/dev/full", "w");
    CHECK(full != NULL && fprintf(full, "x") == 1 && fflush(full) == EOF && errno == ENOSPC);
    fclose(full);
    int fd = open("/dev/null", O_RDWR);
    CHECK_EQ(read(fd, buf, 10), 0);
    struct iovec v[2] = { { buf, 10 }, { buf, 20 } };
    CHECK_EQ(writev(fd, v, 2), 30);
    struct stat st;
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK(S_ISCHR(st.st_mode));
    CHECK_EQ(ioctl(fd, BLKGETSIZE64, buf), -1);
    CHECK_EQ(errno, ENOTTY);
    close(fd);
    CHECK_EQ(stat("/dev/urandom", &st), 0);
    fd = open("/dev/urandom", O_RDONLY);
    uint64_t a[4] = { 0 }, b[4] = { 0 };
    CHECK_EQ(read(fd, a, sizeof(a)), sizeof(a));
    CHECK_EQ(read(fd, b, sizeof(b)), sizeof(b));
    CHECK(memcmp(a, b, sizeof(a)) != 0 && a[3] != 0);
    close(fd);
}

static uint64_t word_at(const unsigned char *buf)
{
    uint64_t w;
    memcpy(&w, buf, sizeof(w));
    return w;
}

/* The disk of test.cfg: 1 MiB of the pattern, which has to be there again at the end. */
static void disk(void)
{
    static unsigned char buf[20000], old[20000];
    if (getenv("DISK") == NULL) {
        check_skip("no disk on this bed");
        return;
    }
    int fd = open("/dev/vda", O_RDWR);
    if (!CHECK(fd >= 0)) {
        return;
    }
    CHECK_EQ(lseek(fd, 0, SEEK_END), 1 << 20);
    struct stat st;
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK(S_ISBLK(st.st_mode));
    CHECK_EQ(st.st_size, 1 << 20);
    uint64_t size = 0;
    CHECK_EQ(ioctl(fd, BLKGETSIZE64, &size), 0);
    CHECK_EQ(size, 1 << 20);
    for (unsigned i = 0; i < 40; i++) {
        off_t at = (off_t)(i * 7919 * 8 % ((1 << 20) - sizeof(buf)));
        CHECK_EQ(pread(fd, buf, 10008, at), 10008);
        CHECK_EQ(word_at(buf), (uint64_t)at * PATTERN);
        CHECK_EQ(word_at(buf + 10000), ((uint64_t)at + 10000) * PATTERN);
    }
    /* A write at odd places, and its neighbours. */
    CHECK_EQ(pread(fd, old, sizeof(old), 1000), sizeof(old));
    CHECK_EQ(pwrite(fd, "something else", 14, 3003), 14);
    CHECK_EQ(pread(fd, buf, sizeof(buf), 1000), sizeof(buf));
    CHECK(memcmp(buf + 2003, "something else", 14) == 0);
    memcpy(buf + 2003, old + 2003, 14);
    CHECK(memcmp(buf, old, sizeof(old)) == 0);
    CHECK_EQ(pwrite(fd, old, sizeof(old), 1000), sizeof(old));
    CHECK_EQ(fsync(fd), 0);
    /* The end. */
    CHECK_EQ(pread(fd, buf, 100, (1 << 20) - 8), 8);
    CHECK_EQ(pread(fd, buf, 100, 1 << 20), 0);
    CHECK_EQ(pwrite(fd, buf, 100, (1 << 20) - 8), 8);
    CHECK_EQ(pwrite(fd, buf, 100, 1 << 20), -1);
    CHECK_EQ(errno, ENOSPC);
    close(fd);
    FILE *f = fopen("/dev/vda", "rb");
    CHECK(f != NULL && fseek(f, 4096 * 8, SEEK_SET) == 0 && fread(buf, 8, 100, f) == 100);
    CHECK_EQ(word_at(buf + 792), (4096ull * 8 + 792) * PATTERN);
    CHECK_EQ(ftell(f), 4096 * 8 + 800);
    fclose(f);
}

static void clocks(void)
{
    struct timespec a, b, pause = { 0, 5000000 };
    CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &a), 0);
    CHECK_EQ(nanosleep(&pause, NULL), 0);
    CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &b), 0);
    int64_t ns = (b.tv_sec - a.tv_sec) * 1000000000ll + b.tv_nsec - a.tv_nsec;
    CHECK(ns >= 5000000);
    int64_t before = 0;
    for (int i = 0; i < 10000; i++) {
        clock_gettime(CLOCK_MONOTONIC, &a);
        int64_t now = a.tv_sec * 1000000000ll + a.tv_nsec;
        if (!CHECK(now >= before)) {
            break;
        }
        before = now;
    }
    b.tv_sec++;
    a = b;
    pause.tv_nsec = 1000000000;
    CHECK_EQ(nanosleep(&pause, NULL), -1);
    CHECK_EQ(errno, EINVAL);
    clock_gettime(CLOCK_MONOTONIC, &a);
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &a, NULL), 0); /* already past */
    CHECK_EQ(clock_gettime((clockid_t)99, &a), -1);
    time_t now = time(NULL);
    struct timeval tv;
    gettimeofday(&tv, NULL);
    CHECK(tv.tv_sec >= now && tv.tv_sec <= now + 1);
    CHECK(now > 1700000000 && now < 4000000000l); /* the host's clock came through */
    struct tm *tm = gmtime(&now);
    CHECK(tm->tm_year > 120 && tm->tm_year < 200);
    struct timespec set = { 1000000000, 0 };
    CHECK_EQ(clock_settime(CLOCK_REALTIME, &set), 0);
    CHECK(time(NULL) - 1000000000 <= 1);
    set.tv_sec = now;
    CHECK_EQ(clock_settime(CLOCK_REALTIME, &set), 0);
    CHECK(clock() != (clock_t)-1);
}

static void system_facts(void)
{
    struct utsname u;
    char name[65];
    CHECK_EQ(sysconf(_SC_PAGESIZE), 4096);
    CHECK_EQ(getpagesize(), 4096);
    CHECK(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
    CHECK(sysconf(_SC_PHYS_PAGES) > sysconf(_SC_AVPHYS_PAGES));
    CHECK_EQ(sysconf(_SC_OPEN_MAX), 65536);
    errno = 0;
    CHECK_EQ(sysconf(4711), -1);
    CHECK_EQ(errno, EINVAL);
    CHECK_EQ(uname(&u), 0);
    CHECK(strcmp(u.sysname, "Pith") == 0 && strcmp(u.machine, "x86_64") == 0);
    CHECK_EQ(gethostname(name, sizeof(name)), 0);
    CHECK(strcmp(name, "pith") == 0);
    CHECK_EQ(gethostname(name, 2), -1);
}

static void random_numbers(void)
{
    unsigned char a[32] = { 0 }, b[32] = { 0 };
    ssize_t n = getrandom(a, sizeof(a), 0);
    if (n < 0 && errno == EAGAIN) {
        check_skip("no source of entropy on this bed");
        return;
    }
    CHECK_EQ(n, sizeof(a));
    CHECK_EQ(getentropy(b, sizeof(b)), 0);
    CHECK(memcmp(a, b, sizeof(a)) != 0);
    CHECK_EQ(getentropy(b, 257), -1);
    CHECK_EQ(getrandom(a, sizeof(a), 0x100), -1);
    CHECK(arc4random() != arc4random() || arc4random() != arc4random());
}

static void parts_run(void)
{
    check_run("formats", formats);
    check_run("descriptors", descriptors);
    check_run("devices", devices);
    check_run("disk", disk);
    check_run("clocks", clocks);
    check_run("system_facts", system_facts);
    check_run("random_numbers", random_numbers);
}
