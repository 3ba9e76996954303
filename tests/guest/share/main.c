/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Folders of the host as files: everything that programs do with them; host.py compares. The first
 * argument is how many small files there are, the third how many MiB the big one has.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"


static unsigned count;
static size_t big_size = 64u << 20;
static bool coarse; /* the folder is a copy, whose times are in seconds */

/* -1 and that errno. */
#define FAILS(call, error) CHECK_EQ((call) == -1 ? errno : 0, error)

static int make(const char *path, const char *text)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    return close(fd) == 0 && good ? 0 : -1;
}

/* Does the file have these contents? */
static bool holds(const char *path, const char *text)
{
    char buf[256];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, buf, sizeof(buf)) : -1;
    close(fd);
    return n == (ssize_t)strlen(text) && memcmp(buf, text, (size_t)n) == 0;
}

static void from_host(void)
{
    struct stat st;
    CHECK_EQ(stat("/share/host.txt", &st), 0);
    CHECK_EQ(st.st_size, 14);
    CHECK_EQ(st.st_mode, S_IFREG | 0640);
    CHECK_EQ(st.st_mtim.tv_sec, 1234567890);
    CHECK(coarse || st.st_mtim.tv_nsec == 123456789);
    CHECK(coarse || st.st_atim.tv_sec == 1111111111);
    CHECK_EQ(st.st_nlink, 1);
    CHECK(holds("/share/host.txt", "from the host\n"));
    CHECK(holds("/share/link", "1"));
    CHECK(holds("/share/odd \xff\x01\n name", "odd"));
    CHECK_EQ(lstat("/share/link", &st), 0);
    CHECK(S_ISLNK(st.st_mode));
    CHECK_EQ(stat("/share/fifo", &st), 0);
    CHECK(S_ISFIFO(st.st_mode));
    FAILS(open("/share/fifo", O_RDONLY), ENXIO);
}

static void create(void)
{
    struct stat st;
    int fd = open("/share/created", O_CREAT | O_EXCL | O_RDWR, 0400); /* mode does not bind us */
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, "abcdef", 6), 6);
    CHECK_EQ(pread(fd, (char[8]){ 0 }, 8, 2), 4);
    CHECK_EQ(lseek(fd, 0, SEEK_END), 6);
    CHECK_EQ(fsync(fd), 0);
    CHECK_EQ(ftruncate(fd, 3), 0);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_size, 3);
    CHECK_EQ(st.st_mode & 07777, 0400);
    CHECK_EQ(ftruncate(fd, 5), 0);
    close(fd);
    CHECK(holds("/share/created", "abc") == false);
    FAILS(open("/share/created", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
    CHECK_EQ(chmod("/share/created", 0600), 0);
    fd = open("/share/created", O_WRONLY | O_TRUNC);
    CHECK_EQ(write(fd, "x", 1), 1);
    FAILS(read(fd, &st, 1), EBADF);
    close(fd);
    CHECK(holds("/share/created", "x"));
    fd = open("/share/created", O_RDWR | O_APPEND | O_SYNC);
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    struct iovec v[3] = { { "yy", 2 }, { "", 0 }, { "zzz", 3 } };
    CHECK_EQ(writev(fd, v, 3), 5);
    close(fd);
    CHECK(holds("/share/created", "xyyzzz"));
    CHECK_EQ(unlink("/share/created"), 0);
    FAILS(stat("/share/created", &st), ENOENT);
}

static void errors(void)
{
    char longer[257];
    memset(longer, 'y', sizeof(longer) - 1);
    longer[256] = '\0';
    CHECK_EQ(chdir("/share"), 0);
    FAILS(open("none", O_RDONLY), ENOENT);
    FAILS(open("none/at/all", O_RDONLY), ENOENT);
    FAILS(open("host.txt/below", O_RDONLY), ENOTDIR);
    FAILS(open("dir", O_WRONLY), EISDIR);
    FAILS(unlink("dir"), EISDIR);
    FAILS(rmdir("dir"), ENOTEMPTY);
    FAILS(rmdir("host.txt"), ENOTDIR);
    FAILS(mkdir("dir", 0755), EEXIST);
    FAILS(mkdir(longer, 0755), ENAMETOOLONG);
    FAILS(link("host.txt", "dir/one"), EEXIST);
    FAILS(link("host.txt", "/tmp/other"), EXDEV);
    FAILS(rename("host.txt", "/tmp/other"), EXDEV);
    FAILS(rename("dir", "dir/sub/inside"), EINVAL);
    FAILS(rename("host.txt", "dir"), EISDIR);
    FAILS(rename("dir", "host.txt"), ENOTDIR);
    FAILS(rename("dir/sub", "dir"), ENOTEMPTY);
    FAILS(renameat2(AT_FDCWD, "dir/one", AT_FDCWD, "host.txt", RENAME_NOREPLACE), EEXIST);
    FAILS(rmdir("/share"), EBUSY);
    CHECK_EQ(symlink("loop", "loop"), 0);
    FAILS(open("loop", O_RDONLY), ELOOP);
    CHECK_EQ(unlink("loop"), 0);
    CHECK_EQ(chdir("/"), 0);
}

static void read_only(void)
{
    struct statvfs fs;
    CHECK(holds("/ro/kept", "kept"));
    FAILS(open("/ro/new", O_CREAT | O_WRONLY, 0644), EROFS);
    FAILS(open("/ro/kept", O_WRONLY), EROFS);
    FAILS(open("/ro/kept", O_RDONLY | O_TRUNC), EROFS);
    FAILS(mkdir("/ro/new", 0755), EROFS);
    FAILS(unlink("/ro/kept"), EROFS);
    FAILS(rename("/ro/kept", "/ro/other"), EROFS);
    FAILS(chmod("/ro/kept", 0600), EROFS);
    FAILS(truncate("/ro/kept", 0), EROFS);
    FAILS(symlink("a", "/ro/b"), EROFS);
    CHECK_EQ(statvfs("/ro", &fs), 0);
    CHECK(fs.f_flag & ST_RDONLY);
}

static void no_space(void)
{
    static char block[65536];
    if (access("/small/unlimited", F_OK) == 0) {
        check_skip("the host has no small folder for us");
        return;
    }
    struct statvfs fs;
    CHECK_EQ(statvfs("/small", &fs), 0);
    CHECK_EQ(fs.f_blocks * fs.f_frsize, 1 << 20);
    int fd = open("/small/fill", O_CREAT | O_WRONLY, 0644);
    ssize_t n;
    off_t total = 0;
    while ((n = write(fd, block, sizeof(block))) > 0) {
        total += n;
    }
    CHECK_EQ(n == -1 ? errno : 0, ENOSPC);
    CHECK(total > 900000 && total <= 1 << 20);
    CHECK_EQ(close(fd), 0);
    CHECK_EQ(unlink("/small/fill"), 0);
    CHECK_EQ(make("/small/again", "room"), 0);
}

static void renames(void)
{
    char cwd[64];
    CHECK_EQ(mkdir("/share/r", 0755), 0);
    CHECK_EQ(mkdir("/share/r/d", 0755), 0);
    CHECK_EQ(make("/share/r/d/file", "inside"), 0);
    int fd = open("/share/r/d/file", O_RDWR);
    CHECK_EQ(chdir("/share/r/d"), 0);
    CHECK_EQ(rename("/share/r", "/share/renamed"), 0);
    CHECK(getcwd(cwd, sizeof(cwd)) != NULL && strcmp(cwd, "/share/renamed/d") == 0);
    CHECK(holds("file", "inside"));
    CHECK_EQ(pwrite(fd, "INS", 3, 0), 3);
    CHECK_EQ(ftruncate(fd, 5), 0);
    close(fd);
    CHECK(holds("../d/file", "INSid"));
    CHECK_EQ(make("other", "over"), 0);
    CHECK_EQ(rename("other", "file"), 0);
    CHECK(holds("file", "over"));
    FAILS(open("other", O_RDONLY), ENOENT);
    CHECK_EQ(mkdir("e", 0755), 0);
    CHECK_EQ(rename("e", "../e"), 0);
    CHECK_EQ(chdir("/share/renamed/e"), 0);
    CHECK_EQ(rmdir("/share/renamed/e"), 0);
    CHECK(getcwd(cwd, sizeof(cwd)) == NULL && errno == ENOENT);
    FAILS(open("x", O_CREAT | O_WRONLY, 0644), ENOENT);
    CHECK_EQ(chdir("/"), 0);
    CHECK_EQ(link("/share/renamed/d/file", "/share/renamed/d/same"), 0);
    CHECK_EQ(rename("/share/renamed/d/file", "/share/renamed/d/same"), 0);
    CHECK(holds("/share/renamed/d/file", "over")); /* two names of one file: nothing happens */
}

/* A file without a name, and another one that gets its name. */
static void removed_open(void)
{
    char buf[16];
    struct stat st;
    CHECK_EQ(make("/share/victim", "0123456789"), 0);
    int fd = open("/share/victim", O_RDWR);
    CHECK_EQ(unlink("/share/victim"), 0);
    CHECK_EQ(make("/share/victim", "somebody else"), 0);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_size, 10);
    CHECK_EQ(st.st_nlink, 0);
    CHECK_EQ(ftruncate(fd, 4), 0);
    CHECK_EQ(lseek(fd, 0, SEEK_END), 4);
    CHECK_EQ(pread(fd, buf, 16, 0), 4);
    CHECK_EQ(ftruncate(fd, 8), 0);
    CHECK_EQ(pread(fd, buf, 16, 0), 8);
    CHECK(memcmp(buf, "0123\0\0\0\0", 8) == 0);
    CHECK_EQ(pwrite(fd, "end", 3, 9), 3);
    CHECK_EQ(pread(fd, buf, 16, 7), 5);
    CHECK(memcmp(buf, "\0\0end", 5) == 0);
    CHECK_EQ(fchmod(fd, 0600), 0);
    CHECK_EQ(fsync(fd), 0);
    CHECK_EQ(close(fd), 0);
    CHECK(holds("/share/victim", "somebody else"));
    CHECK_EQ(stat("/share/victim", &st), 0);
    CHECK_EQ(st.st_mode & 0777, 0644);
    fd = open("/share/victim", O_RDONLY);
    CHECK_EQ(make("/share/newer", "newer"), 0);
    CHECK_EQ(rename("/share/newer", "/share/victim"), 0);
    CHECK_EQ(pread(fd, buf, 8, 0), 8);
    CHECK(memcmp(buf, "somebody", 8) == 0);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_size, 13);
    close(fd);
    CHECK(holds("/share/victim", "newer"));
}

static void attributes(void)
{
    struct stat st, other;
    struct timespec times[2] = { { 1400000000, 0 }, { 1500000000, 987654321 } };
    char target[64];
    CHECK_EQ(make("/share/attributes", "a"), 0);
    CHECK_EQ(chmod("/share/attributes", 0604), 0);
    CHECK_EQ(utimensat(AT_FDCWD, "/share/attributes", times, 0), 0);
    CHECK_EQ(stat("/share/attributes", &st), 0);
    CHECK_EQ(st.st_atim.tv_sec, 1400000000);
    CHECK_EQ(st.st_mtim.tv_nsec, 987654321);
    CHECK_EQ(st.st_mode & 07777, 0604);
    CHECK_EQ(symlink("../some/where", "/share/symlink"), 0);
    CHECK_EQ(readlink("/share/symlink", target, sizeof(target)), 13);
    CHECK_EQ(readlink("/share/symlink", target, 4), 4);
    CHECK_EQ(make("/share/hard1", "h"), 0);
    CHECK_EQ(link("/share/hard1", "/share/hard2"), 0);
    CHECK_EQ(stat("/share/hard1", &st), 0);
    CHECK_EQ(stat("/share/hard2", &other), 0);
    CHECK_EQ(st.st_nlink, 2);
    CHECK_EQ(st.st_ino, other.st_ino);
    CHECK(st.st_dev == other.st_dev);
}

static void odd_names(void)
{
    static char longest[256];
    memset(longest, 'x', 255);
    const char *names[] = { longest, "\xc3\xa4\xff\xfe", "new\nline", " ", "-rf *", "back\\slash", "..." };
    CHECK_EQ(mkdir("/share/names", 0755), 0);
    CHECK_EQ(chdir("/share/names"), 0);
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CHECK_EQ(make(names[i], "odd"), 0);
        CHECK(holds(names[i], "odd"));
    }
    CHECK_EQ(chdir("/"), 0);
}

static void fill(uint32_t *to, uint32_t first, size_t words)
{
    for (size_t i = 0; i < words; i++) {
        to[i] = first + (uint32_t)i;
    }
}

static void big(void)
{
    static const size_t piece = 1000004; /* no multiple of anything */
    uint32_t *buf = malloc(piece), *expected = malloc(piece);
    int in = open("/share/big.bin", O_RDONLY);
    int out = open("/share/guest.bin", O_CREAT | O_WRONLY, 0644);
    CHECK(buf != NULL && expected != NULL && in >= 0 && out >= 0);
    for (size_t at = 0; at < big_size; at += piece) {
        size_t n = big_size - at < piece ? big_size - at : piece;
        fill(expected, 7 + (uint32_t)(at / 4), n / 4);
        if (!CHECK_EQ(read(in, buf, n), n) || !CHECK(memcmp(buf, expected, n) == 0)) {
            break;
        }
        fill(buf, 99 + (uint32_t)(at / 4), n / 4);
        if (!CHECK_EQ(write(out, buf, n), n)) {
            break;
        }
    }
    CHECK_EQ(read(in, buf, piece), 0);
    close(in);
    CHECK_EQ(close(out), 0);
    free(buf);
    free(expected);
}

static void sparse(void)
{
    struct stat st;
    char buf[4] = "";
    int fd = open("/share/sparse", O_CREAT | O_RDWR, 0644);
    CHECK_EQ(pwrite(fd, "end", 3, (off_t)5 << 30), 3);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK(st.st_size == ((off_t)5 << 30) + 3);
    CHECK_EQ(pread(fd, buf, 4, (off_t)5 << 30), 3);
    CHECK(strcmp(buf, "end") == 0);
    FAILS(pwrite(fd, "x", 1, INT64_MAX), EFBIG);
    close(fd);
}

/* Every name in the directory once; returns how many. */
static unsigned list_many(unsigned char *seen)
{
    DIR *dir = opendir("/share/many");
    struct dirent *e;
    unsigned n = 0;
    memset(seen, 0, count);
    while (dir != NULL && (e = readdir(dir)) != NULL) {
        unsigned i;
        if (sscanf(e->d_name, "file-%u", &i) == 1 && i < count) {
            CHECK_EQ(seen[i]++, 0);
            CHECK_EQ(e->d_type, DT_REG);
            n++;
        }
    }
    closedir(dir);
    return n;
}

static void many(void)
{
    unsigned char *seen = calloc(count, 1);
    char path[300], text[64];
    CHECK_EQ(mkdir("/share/many", 0755), 0);
    for (unsigned i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "/share/many/file-%05u", i);
        snprintf(text, sizeof(text), "contents of %u\n", i);
        if (!CHECK_EQ(make(path, text), 0)) {
            break;
        }
    }
    CHECK_EQ(list_many(seen), count);
    /* A place in the directory leads back to the same entry. */
    DIR *dir = opendir("/share/many");
    for (int i = 0; i < 20; i++) {
        readdir(dir);
    }
    long place = telldir(dir);
    struct dirent *e = readdir(dir);
    char name[256] = "";
    strcpy(name, e != NULL ? e->d_name : "");
    while (readdir(dir) != NULL) {
    }
    seekdir(dir, place);
    e = readdir(dir);
    CHECK(e != NULL && strcmp(name, e->d_name) == 0);
    /* Every second one goes while the directory is being read. */
    rewinddir(dir);
    while ((e = readdir(dir)) != NULL) {
        unsigned i;
        if (sscanf(e->d_name, "file-%u", &i) == 1 && i % 2 == 0) {
            snprintf(path, sizeof(path), "/share/many/%.200s", e->d_name);
            CHECK_EQ(unlink(path), 0);
        }
    }
    closedir(dir);
    CHECK_EQ(list_many(seen), count / 2);
    free(seen);
}

static void *append_lines(void *arg)
{
    char line[32];
    int fd = open("/share/appends", O_CREAT | O_WRONLY | O_APPEND, 0644);
    for (int i = 0; i < 100; i++) {
        int n = snprintf(line, sizeof(line), "thread %d line %03d\n", (int)(intptr_t)arg, i);
        CHECK_EQ(write(fd, line, (size_t)n), n);
    }
    close(fd);
    return NULL;
}

static void *read_pieces(void *arg)
{
    int fd = (int)(intptr_t)arg;
    uint32_t *buf = malloc(300000), *expected = malloc(300000);
    for (off_t at = 0; at < (off_t)big_size / 8; at += 300000) {
        fill(expected, 7 + (uint32_t)(at / 4), 300000 / 4);
        if (!CHECK_EQ(pread(fd, buf, 300000, at), 300000) ||
            !CHECK(memcmp(buf, expected, 300000) == 0)) {
            break;
        }
    }
    free(buf);
    free(expected);
    return NULL;
}

/* Four threads that append and four that read one file. */
static void threads(void)
{
    pthread_t t[8];
    int fd = open("/share/big.bin", O_RDONLY);
    for (int i = 0; i < 8; i++) {
        CHECK_EQ(pthread_create(&t[i], NULL, i < 4 ? append_lines : read_pieces,
                                (void *)(intptr_t)(i < 4 ? i : fd)), 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(t[i], NULL);
    }
    close(fd);
}

/* What the host changes is seen, also by who has the file open already. */
static void live(void)
{
    char buf[64];
    CHECK_EQ(make("/share/live", "ours\n"), 0);
    CHECK_EQ(make("/share/moved", "m"), 0);
    int fd = open("/share/live", O_RDONLY);
    CHECK_EQ(read(fd, buf, sizeof(buf)), 5);
    CHECK_EQ(read(fd, buf, sizeof(buf)), 0);
    printf("host, please\n");
    fflush(stdout);
    for (int i = 0; i < 3000 && access("/share/go", F_OK) != 0; i++) {
        usleep(10000);
    }
    CHECK_EQ(read(fd, buf, sizeof(buf)), 19);
    CHECK(memcmp(buf, "more from the host\n", 19) == 0);
    FAILS(open("/share/moved", O_RDONLY), ENOENT);
    CHECK(holds("/share/moved2", "m"));
    close(fd);
}

/* Where nothing could be mounted all fails, and nothing of the memory at the root is in its place. */
static void absent(void)
{
    struct stat st;
    FAILS(open("/share/file", O_CREAT | O_WRONLY, 0644), EIO);
    FAILS(open("/share", O_RDONLY), EIO);
    FAILS(mkdir("/other/dir", 0755), EIO);
    FAILS(stat("/deep/er/x", &st), EIO);
    CHECK_EQ(stat("/deep/er", &st), 0);
}

int main(int argc, char **argv)
{
    count = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
    if (argc > 2 && strcmp(argv[2], "absent") == 0) {
        check_run("absent", absent);
        return check_done();
    }
    coarse = argc > 2 && strcmp(argv[2], "coarse") == 0;
    big_size = argc > 3 ? (size_t)atoi(argv[3]) << 20 : big_size;
    check_run("many", many);
    if (argc > 2 && !coarse) {
        return check_done();
    }
    check_run("from-host", from_host);
    check_run("create", create);
    check_run("errors", errors);
    check_run("read-only", read_only);
    check_run("no-space", no_space);
    check_run("renames", renames);
    check_run("removed-open", removed_open);
    check_run("attributes", attributes);
    check_run("odd-names", odd_names);
    check_run("big", big);
    check_run("sparse", sparse);
    check_run("threads", threads);
    check_run("live", live);
    return check_done();
}
