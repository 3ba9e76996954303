/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that come with the machine: the folder root/ in the image, and archives that host.py makes
 * and QEMU gives as a module. The argument says which of them are there.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../check.h"

#define NUMBERS 21000 /* bytes of sub/numbers: 3000 lines "000000" */

static bool holds(const char *path, const char *text)
{
    char buf[64];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, buf, sizeof(buf)) : -1;
    close(fd);
    return n == (ssize_t)strlen(text) && memcmp(buf, text, strlen(text)) == 0;
}

/* The line of sub/numbers that a byte belongs to. */
static bool numbers_right(const char *data, size_t from, size_t n)
{
    char line[16] = "";
    for (size_t i = from; i < from + n; i++) {
        if (i == from || i % 7 == 0) {
            snprintf(line, sizeof(line), "%06u\n", (unsigned)(i / 7 % 1000000));
        }
        if (data[i - from] != line[i % 7]) {
            return false;
        }
    }
    return true;
}

static char buf[65536];

static void image_files(void)
{
    struct stat st;
    CHECK(holds("/hello.txt", "from the image\n"));
    CHECK(holds("/nothing", ""));
    CHECK(holds("/with blank", "x"));
    CHECK(stat("/hello.txt", &st) == 0 && st.st_mode == (S_IFREG | 0644) && st.st_size == 15);
    CHECK(st.st_mtime > 1500000000 && st.st_nlink == 1 && st.st_uid == 0);
    CHECK(stat("/sub/deep/script", &st) == 0 && st.st_mode == (S_IFREG | 0755));
    CHECK(access("/sub/deep/script", X_OK) == 0 && access("/hello.txt", X_OK) == -1);
    CHECK(stat("/sub", &st) == 0 && st.st_mode == (S_IFDIR | 0755) && st.st_nlink == 3);
    CHECK(lstat("/link", &st) == 0 && S_ISLNK(st.st_mode) && st.st_size == 11);
    int fd = open("/link", O_RDONLY);
    CHECK_EQ(read(fd, buf, sizeof(buf)), NUMBERS);
    CHECK(numbers_right(buf, 0, NUMBERS));
    CHECK_EQ(pread(fd, buf, 5000, 12345), 5000);
    CHECK(numbers_right(buf, 12345, 5000));
    close(fd);
    unsigned n = 0;
    DIR *d = opendir("/sub");
    while (readdir(d) != NULL) {
        n++;
    }
    closedir(d);
    CHECK_EQ(n, 4);
    CHECK(stat("/tmp", &st) == 0 && st.st_mode == (S_IFDIR | 01777));
    CHECK(stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode));
}

/* Only the page that is written to is copied; the rest is still the image's. */
static void image_written(void)
{
    struct stat before, st;
    int fd = open("/sub/numbers", O_RDWR);
    CHECK(fstat(fd, &before) == 0);
    CHECK_EQ(pwrite(fd, "XYZ", 3, 5000), 3);
    CHECK(fstat(fd, &st) == 0 && st.st_size == NUMBERS && st.st_blocks == before.st_blocks + 8);
    CHECK_EQ(pread(fd, buf, sizeof(buf), 0), NUMBERS);
    CHECK(numbers_right(buf, 0, 5000) && memcmp(buf + 5000, "XYZ", 3) == 0);
    CHECK(numbers_right(buf + 5003, 5003, NUMBERS - 5003));
    CHECK_EQ(ftruncate(fd, 20000), 0);
    CHECK_EQ(ftruncate(fd, 20005), 0); /* what was cut off does not come back */
    CHECK_EQ(pread(fd, buf, sizeof(buf), 19999), 6);
    CHECK(buf[0] == '0' && memcmp(buf + 1, "\0\0\0\0\0", 5) == 0);
    CHECK_EQ(pwrite(fd, "end", 3, 20005), 3);
    CHECK_EQ(pread(fd, buf, sizeof(buf), 16000), 4008);
    CHECK(numbers_right(buf, 16000, 4000) && memcmp(buf + 4000, "\0\0\0\0\0end", 8) == 0);
    close(fd);
    fd = open("/hello.txt", O_WRONLY | O_APPEND);
    CHECK_EQ(write(fd, "and more\n", 9), 9);
    close(fd);
    CHECK(holds("/hello.txt", "from the image\nand more\n"));
    fd = open("/with blank", O_RDWR | O_TRUNC);
    CHECK_EQ(pread(fd, buf, 1, 0), 0);
    CHECK_EQ(ftruncate(fd, 1), 0);
    CHECK(pread(fd, buf, 1, 0) == 1 && buf[0] == '\0');
    close(fd);
    CHECK(unlink("/with blank") == 0 && unlink("/link") == 0 && unlink("/sub/deep/script") == 0);
    CHECK(rmdir("/sub/deep") == 0);
}

static void image_sent(void)
{
    int in = open("/sub/numbers", O_RDONLY);
    int out = open("/tmp/copy", O_RDWR | O_CREAT, 0644);
    off_t at = 0;
    CHECK_EQ(sendfile(out, in, &at, 1000000), NUMBERS);
    CHECK_EQ(pread(out, buf, sizeof(buf), 0), NUMBERS);
    CHECK(numbers_right(buf, 0, NUMBERS));
    close(in);
    close(out);
    CHECK_EQ(unlink("/tmp/copy"), 0);
}

static void module_files(void)
{
    struct stat st, other;
    CHECK(holds("/hello.txt", "from the image\n"));
    CHECK(holds("/both.txt", "from the module\n"));
    CHECK(stat("/both.txt", &st) == 0 && st.st_mode == (S_IFREG | 0600));
    CHECK_EQ(st.st_mtime, 1234567890);
    CHECK_EQ(st.st_uid, 5);
    CHECK(stat("/moddir", &st) == 0 && st.st_mode == (S_IFDIR | 0711) && st.st_mtime == 1000000000);
    CHECK(holds("/twice", "second\n"));
    CHECK(stat("/hard1", &st) == 0 && st.st_nlink == 3);
    CHECK(stat("/moddir/hard3", &other) == 0 && other.st_ino == st.st_ino);
    CHECK(holds("/hard1", "linked\n") && holds("/hard2", "linked\n") &&
          holds("/moddir/hard3", "linked\n"));
    CHECK(holds("/made/on/the/way", "deep\n"));
    CHECK(stat("/made/on", &st) == 0 && S_ISDIR(st.st_mode));
    CHECK(holds("/absolute", "name\n"));
    CHECK(holds("/second-archive", "follows\n"));
    CHECK(stat("/sub", &st) == 0 && S_ISREG(st.st_mode) == 0); /* a full directory is not replaced */
    CHECK(stat("/was-file", &st) == 0 && S_ISDIR(st.st_mode));
    CHECK(stat("/escaped", &st) == -1 && stat("/tmp/x", &st) == -1);
    CHECK(holds("/through", "replaces the link"));
    CHECK(stat("/device", &st) == -1);
}

/* 32-bit numbers in a row, as host.py writes them. */
static void big_file(void)
{
    static uint32_t words[16384];
    uint32_t next = 0;
    struct stat st;
    long before = sysconf(_SC_AVPHYS_PAGES);
    int fd = open("/big", O_RDONLY);
    ssize_t n;
    bool right = true;
    while (right && (n = read(fd, words, sizeof(words))) > 0) {
        for (size_t i = 0; i < (size_t)n / 4; i++) {
            right = right && words[i] == next++;
        }
    }
    CHECK(right);
    CHECK(fstat(fd, &st) == 0 && st.st_size == (off_t)next * 4 && st.st_size >= 1 << 20);
    close(fd);
    CHECK(sysconf(_SC_AVPHYS_PAGES) >= before - 16); /* read where it lies */
}

static void before_damage(void)
{
    struct stat st;
    CHECK(holds("/good", "before\n"));
    CHECK(stat("/bad", &st) == -1);
    CHECK(holds("/hello.txt", "from the image\n"));
    int fd = open("/works", O_WRONLY | O_CREAT, 0644);
    CHECK(fd >= 0);
    close(fd);
}

static void no_module(void)
{
    CHECK(holds("/hello.txt", "from the image\n"));
    CHECK(holds("/both.txt", "replaced by the module\n"));
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "image";
    if (strcmp(what, "image") == 0) {
        check_run("image", image_files);
        check_run("sent", image_sent);
        check_run("written", image_written);
    } else if (strcmp(what, "module") == 0) {
        check_run("module", module_files);
        check_run("big", big_file);
    } else if (strcmp(what, "big") == 0) {
        check_run("big", big_file);
    } else if (strcmp(what, "damaged") == 0) {
        check_run("before-damage", before_damage);
    } else {
        check_run("no-module", no_module);
    }
    return check_done();
}
