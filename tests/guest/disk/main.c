/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files on a disk (ext4): what programs do with them. host.py has made the file system with some
 * files in it, and looks at the result with Linux' own tools. Arguments: how many small files, how
 * many entries of the large directory, how many MiB of the big file.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "check.h"

static unsigned small_files, entries;
static size_t big_size;

/* -1 and that errno. */
#define FAILS(call, error) CHECK_EQ((call) == -1 ? errno : 0, error)

/* Contents that host.py knows, too: byte i of file `seed`. */
static void fill(uint8_t *buf, size_t len, unsigned seed, size_t at)
{
    for (size_t i = 0; i < len; i++) {
        buf[i] = (uint8_t)((at + i) * 31 + ((at + i) >> 8) * 7 + seed);
    }
}

#define PIECE (1ul << 20) /* bytes of one call */

/* Several threads call this and the next, each with a buffer of its own. */
static bool write_file(const char *path, size_t len, unsigned seed)
{
    uint8_t *buf = malloc(len < PIECE ? len + 1 : PIECE);
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0640);
    size_t at = 0;
    bool good = fd >= 0 && buf != NULL;
    while (at < len && good) {
        size_t n = len - at < PIECE ? len - at : PIECE;
        fill(buf, n, seed, at);
        good = write(fd, buf, n) == (ssize_t)n;
        at += n;
    }
    free(buf);
    return close(fd) == 0 && good;
}

static bool check_file(const char *path, size_t len, unsigned seed)
{
    size_t size = len < PIECE ? len + 1 : PIECE;
    uint8_t *buf = malloc(size), *want = malloc(size);
    int fd = open(path, O_RDONLY);
    size_t at = 0;
    bool good = fd >= 0 && buf != NULL && want != NULL;
    while (at < len && good) {
        size_t n = len - at < PIECE ? len - at : PIECE;
        fill(want, n, seed, at);
        good = read(fd, buf, n) == (ssize_t)n && memcmp(buf, want, n) == 0;
        at += n;
    }
    good = good && read(fd, buf, 1) == 0;
    free(buf);
    free(want);
    return close(fd) == 0 && good;
}

static unsigned count_entries(const char *path)
{
    unsigned n = 0;
    DIR *d = opendir(path);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        n += e->d_name[0] != '.';
    }
    closedir(d);
    return n;
}

/* Of a small file; host.py has the same. */
static size_t size_of(unsigned i)
{
    return i % 50 == 7 ? i * 4099 % 400000 : i * 97 % 20000;
}

/* The file with holes, which ends at 4 GiB: "end" at some places. */
static void check_sparse(const char *path, bool more)
{
    struct stat st;
    char text[8];
    int fd = open(path, O_RDONLY);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_size, 4l << 30);
    CHECK(st.st_blocks < 100);
    CHECK_EQ(pread(fd, text, 6, (4l << 30) - 3), 3);
    CHECK(memcmp(text, "end", 3) == 0);
    CHECK_EQ(pread(fd, text, 3, 1l << 30), 3);
    CHECK(memcmp(text, "\0\0\0", 3) == 0);
    CHECK_EQ(pread(fd, text, 6, (2l << 30) - 1), 6);
    CHECK(memcmp(text, more ? "\0end\0\0" : "\0\0\0\0\0\0", 6) == 0);
    CHECK_EQ(close(fd), 0);
}

static void many_from_host(void)
{
    char path[64];
    struct stat st;
    for (unsigned i = 0; i < small_files; i++) {
        snprintf(path, sizeof(path), "/data/host/small/%u", i);
        CHECK(check_file(path, size_of(i), i));
    }
    CHECK_EQ(count_entries("/data/host/small"), small_files);
    CHECK_EQ(count_entries("/data/host/many"), entries);
    for (unsigned i = 0; i < entries; i++) {
        snprintf(path, sizeof(path), "/data/host/many/an-entry-of-the-host-%u", i);
        CHECK_EQ(stat(path, &st), 0);
    }
    FAILS(stat("/data/host/many/nothing", &st), ENOENT);
}

static void from_host(void)
{
    struct stat st;
    CHECK_EQ(stat("/data/host/file", &st), 0);
    CHECK_EQ(st.st_size, 1000000);
    CHECK_EQ(st.st_mode, S_IFREG | 0604);
    CHECK_EQ(st.st_mtim.tv_sec, 1234567890);
    CHECK(check_file("/data/host/file", 1000000, 9));
    char text[20];
    CHECK_EQ(readlink("/data/host/link", text, sizeof(text)), 4);
    CHECK(check_file("/data/host/link", 1000000, 9));
    CHECK_EQ(stat("/data/host/hard", &st), 0);
    CHECK_EQ(st.st_nlink, 2);
    struct statvfs vfs;
    CHECK_EQ(statvfs("/data", &vfs), 0);
    CHECK(vfs.f_bfree > 0 && vfs.f_bfree < vfs.f_blocks && vfs.f_bsize >= 1024);
    CHECK_EQ(vfs.f_namemax, 255);
}

static void small(void)
{
    char path[64];
    CHECK_EQ(mkdir("/data/small", 0755), 0);
    for (unsigned i = 0; i < small_files; i++) {
        snprintf(path, sizeof(path), "/data/small/%u", i);
        CHECK(write_file(path, size_of(i), i));
    }
    for (unsigned i = 0; i < small_files; i += 3) {
        snprintf(path, sizeof(path), "/data/small/%u", i);
        CHECK(check_file(path, size_of(i), i));
    }
}

static void large_directory(void)
{
    char path[64];
    CHECK_EQ(mkdir("/data/many", 0755), 0);
    for (unsigned i = 0; i < entries; i++) {
        snprintf(path, sizeof(path), "/data/many/an-entry-with-a-name-%u", i);
        CHECK_EQ(close(open(path, O_CREAT | O_EXCL | O_WRONLY, 0644)), 0);
    }
    unsigned seen = 0, removed = 0;
    DIR *d = opendir("/data/many");
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.') {
            continue;
        }
        if (seen++ % 5 == 0) {
            snprintf(path, sizeof(path), "/data/many/%.40s", e->d_name);
            CHECK_EQ(unlink(path), 0);
            removed++;
        }
    }
    closedir(d);
    CHECK_EQ(seen, entries);
    CHECK_EQ(removed, (entries + 4) / 5);
}

static void big(void)
{
    CHECK(write_file("/data/big", big_size, 5));
    int fd = open("/data/big", O_RDWR);
    CHECK_EQ(fsync(fd), 0);
    CHECK_EQ(close(fd), 0);
    CHECK(check_file("/data/big", big_size, 5));
    /* Another that goes again: host.py looks whether its room does. */
    CHECK(write_file("/data/freed", big_size, 8));
    sync();
    CHECK_EQ(unlink("/data/freed"), 0);
}

static void sparse(void)
{
    struct stat st;
    int fd = open("/data/sparse", O_CREAT | O_RDWR, 0644);
    CHECK_EQ(pwrite(fd, "end", 3, (4l << 30) - 3), 3);
    CHECK_EQ(close(fd), 0);
    check_sparse("/data/sparse", false);
    check_sparse("/data/host/sparse", true);
    fd = open("/data/promised", O_CREAT | O_RDWR, 0644);
    CHECK_EQ(posix_fallocate(fd, 0, 1 << 20), 0);
    CHECK_EQ(pwrite(fd, "middle", 6, 500001), 6);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK(st.st_size == 1 << 20 && st.st_blocks >= 2048);
    CHECK_EQ(close(fd), 0);
}

static void names(void)
{
    struct stat st;
    char text[300];
    CHECK_EQ(mkdir("/data/a", 0755), 0);
    CHECK_EQ(mkdir("/data/a/b", 0755), 0);
    CHECK(write_file("/data/a/b/file", 3000, 1));
    CHECK_EQ(link("/data/a/b/file", "/data/a/hard"), 0);
    CHECK_EQ(symlink("b/file", "/data/a/soft"), 0);
    memset(text, 't', 255);
    text[255] = '\0';
    CHECK_EQ(symlink(text, "/data/a/long"), 0);
    CHECK(check_file("/data/a/soft", 3000, 1));
    CHECK_EQ(stat("/data/a/hard", &st), 0);
    CHECK_EQ(st.st_nlink, 2);
    FAILS(rename("/data/a", "/data/a/b/c"), EINVAL);
    FAILS(rmdir("/data/a/b"), ENOTEMPTY);
    FAILS(link("/data/a/b/file", "/tmp/x"), EXDEV);
    FAILS(mkdir("/data/a/b", 0755), EEXIST);
    CHECK_EQ(rename("/data/a/b", "/data/moved"), 0);
    CHECK_EQ(chdir("/data/moved"), 0);
    CHECK(getcwd(text, sizeof(text)) != NULL && strcmp(text, "/data/moved") == 0);
    CHECK_EQ(chdir("/"), 0);
    CHECK(write_file("/data/replaced", 100, 2));
    CHECK(write_file("/data/new", 200, 3));
    CHECK_EQ(rename("/data/new", "/data/replaced"), 0);
    CHECK(check_file("/data/replaced", 200, 3));
    int fd = open("/data/replaced", O_RDWR);
    CHECK_EQ(unlink("/data/replaced"), 0);
    CHECK_EQ(pread(fd, text, 10, 0), 10);
    CHECK_EQ(pwrite(fd, text, 10, 100000), 10);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_nlink, 0);
    CHECK_EQ(close(fd), 0);
    FAILS(open("/data/replaced", O_RDONLY), ENOENT);
    CHECK_EQ(chmod("/data/a/hard", 0751), 0);
    CHECK_EQ(chown("/data/a/hard", 70000, 80000), 0);
    struct timespec times[2] = { { 1000000000, 5 }, { 4000000000, 123456789 } };
    CHECK_EQ(utimensat(AT_FDCWD, "/data/a/hard", times, 0), 0);
    CHECK_EQ(stat("/data/a/hard", &st), 0);
    CHECK(st.st_mtim.tv_sec == 4000000000 && st.st_mtim.tv_nsec == 123456789);
    CHECK(st.st_uid == 70000 && st.st_gid == 80000 && st.st_mode == (S_IFREG | 0751));
}

#define THREADS 4
#define ROUNDS  60

static void *mixed(void *arg)
{
    unsigned me = (unsigned)(uintptr_t)arg;
    char path[64], other[64];
    for (unsigned i = 0; i < ROUNDS; i++) {
        snprintf(path, sizeof(path), "/data/threads/%u-%u", me, i);
        snprintf(other, sizeof(other), "/data/threads/moved-%u-%u", me, i);
        CHECK(write_file(path, me * 1000 + i, i));
        if (i % 10 == 0) {
            int fd = open(path, O_RDONLY);
            CHECK_EQ(fsync(fd), 0);
            CHECK_EQ(close(fd), 0);
        }
        CHECK_EQ(rename(path, other), 0);
        CHECK(check_file(other, me * 1000 + i, i));
        if (i % 2 == 0) {
            CHECK_EQ(unlink(other), 0);
        }
    }
    return NULL;
}

static void threads(void)
{
    pthread_t t[THREADS];
    CHECK_EQ(mkdir("/data/threads", 0755), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_create(&t[i], NULL, mixed, (void *)(uintptr_t)i), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(t[i], NULL);
    }
    sync();
}

static bool stop;
static unsigned synced;

static void *sync_always(void *arg)
{
    char text[100] = "something";
    int fd = open("/data/always", O_CREAT | O_RDWR, 0644);
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        CHECK_EQ(pwrite(fd, text, sizeof(text), (off_t)(synced % 100 * sizeof(text))), sizeof(text));
        CHECK_EQ(fsync(fd), 0);
        __atomic_fetch_add(&synced, 1, __ATOMIC_RELAXED);
    }
    CHECK_EQ(close(fd), 0);
    return arg;
}

/* Who syncs all the time holds up neither those who read what is in memory nor those who write. */
static void beside(void)
{
    pthread_t t[2];
    char text[16];
    CHECK(write_file("/data/beside", 16000, 8));
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(pthread_create(&t[i], NULL, sync_always, NULL), 0);
    }
    int fd = open("/data/beside", O_RDWR);
    unsigned before = __atomic_load_n(&synced, __ATOMIC_RELAXED), reads = 0;
    while (__atomic_load_n(&synced, __ATOMIC_RELAXED) < before + 20) {
        CHECK_EQ(pread(fd, text, sizeof(text), 5000), sizeof(text));
        reads++;
    }
    for (unsigned i = 0; i < 20; i++) {
        CHECK_EQ(pwrite(fd, text, sizeof(text), 5000), sizeof(text));
        CHECK_EQ(fdatasync(fd), 0);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(t[i], NULL);
    }
    CHECK(reads > 20); /* more than one between two */
    CHECK_EQ(close(fd), 0);
    CHECK(check_file("/data/beside", 16000, 8));
}

static volatile sig_atomic_t handled;

static void on_signal(int sig)
{
    int fd = open("/data/handler", O_CREAT | O_RDWR, 0644);
    (void)sig;
    handled += pwrite(fd, "x", 1, 0) == 1;
    close(fd);
}

static void *write_always(void *arg)
{
    int fd = open(arg, O_CREAT | O_RDWR, 0644);
    for (;;) {
        CHECK_EQ(pwrite(fd, "text", 4, 0), 4);
        CHECK_EQ(ftruncate(fd, 0), 0);
    }
    return NULL;
}

/* Threads that wait for others' syncing are told signals, and end, when they hold nothing. */
static void attended(void)
{
    static char names[2][16] = { "/data/attended0", "/data/attended1" };
    pthread_t sync[2], writer[2];
    signal(SIGUSR1, on_signal);
    stop = false;
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(pthread_create(&sync[i], NULL, sync_always, NULL), 0);
        CHECK_EQ(pthread_create(&writer[i], NULL, write_always, names[i]), 0);
    }
    for (unsigned i = 0; handled < 40; i++) {
        CHECK_EQ(pthread_kill(writer[i % 2], SIGUSR1), 0);
        usleep(1000);
    }
    for (unsigned i = 0; i < 2; i++) {
        void *result;
        CHECK_EQ(pthread_cancel(writer[i]), 0);
        CHECK_EQ(pthread_join(writer[i], &result), 0);
        CHECK(result == PTHREAD_CANCELED);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(sync[i], NULL);
    }
    CHECK(write_file("/data/attended", 5000, 9) && check_file("/data/attended", 5000, 9));
}

static void readonly(void)
{
    FAILS(open("/data/x", O_CREAT | O_WRONLY, 0644), EROFS);
    FAILS(unlink("/data/host/file"), EROFS);
    FAILS(open("/data/host/file", O_WRONLY), EROFS);
    FAILS(truncate("/data/host/file", 0), EROFS);
}

/*
 * The disk fails: a block of the host's file can't be read, and one of the journal not be written. What
 * fsync() has answered for is told to the host, which looks for it.
 */
static void errors(void)
{
    char path[64], text[100];
    struct statvfs vfs;
    int fd = open("/data/host/file", O_RDONLY);
    FAILS(pread(fd, text, sizeof(text), 500000), EIO);
    FAILS(pread(fd, text, sizeof(text), 500000), EIO);
    CHECK_EQ(pread(fd, text, sizeof(text), 900000), sizeof(text));
    CHECK_EQ(close(fd), 0);
    unsigned promised = 0;
    int r = 0;
    while (r == 0 && promised < 1000) {
        snprintf(path, sizeof(path), "/data/%u", promised);
        CHECK(write_file(path, size_of(promised), promised));
        fd = open(path, O_RDWR);
        r = fsync(fd);
        promised += r == 0;
        FAILS(r, r == 0 ? 0 : EIO);
        CHECK_EQ(close(fd), 0);
    }
    CHECK(promised > 0 && promised < 1000);
    printf("promised %u\n", promised);
    FAILS(open("/data/more", O_CREAT | O_WRONLY, 0644), EROFS);
    FAILS(unlink("/data/0"), EROFS);
    FAILS(rename("/data/0", "/data/x"), EROFS);
    fd = open("/data/host/file", O_RDONLY);
    FAILS(fsync(fd), EIO);
    CHECK_EQ(close(fd), 0);
    CHECK_EQ(statvfs("/data", &vfs), 0);
    CHECK(vfs.f_flag & ST_RDONLY);
    for (unsigned i = 0; i < promised; i++) {
        snprintf(path, sizeof(path), "/data/%u", i);
        CHECK(check_file(path, size_of(i), i));
    }
}

/* Nothing of the memory below is seen. */
static void absent(void)
{
    FAILS(open("/data/x", O_CREAT | O_WRONLY, 0644), EIO);
    FAILS(open("/other/x", O_RDONLY), EIO);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    small_files = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
    entries = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
    big_size = argc > 4 ? (size_t)atoi(argv[4]) << 20 : 0;
    if (strcmp(what, "errors") == 0) {
        check_run("errors", errors);
        return check_done();
    }
    if (strcmp(what, "absent") == 0) {
        check_run("absent", absent);
        return check_done();
    }
    check_run("from_host", from_host);
    if (strcmp(what, "readonly") == 0) {
        check_run("readonly", readonly);
        return check_done();
    }
    check_run("many_from_host", many_from_host);
    check_run("names", names);
    check_run("sparse", sparse);
    check_run("small", small);
    check_run("large_directory", large_directory);
    check_run("big", big);
    check_run("threads", threads);
    check_run("beside", beside);
    check_run("attended", attended);
    return check_done();
}
