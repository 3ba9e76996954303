/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths: dots and slashes, symbolic links in a row and in a circle, depth, the working directory. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parts.h"

void paths_resolve(void)
{
    struct stat a, b;
    char start[PATH_MAX], path[PATH_MAX + 10];
    CHECK(getcwd(start, sizeof(start)) != NULL);
    CHECK_EQ(mkdir("d", 0755), 0);
    put_file("d/f", "x");
    CHECK(holds("./d/./f", "x") && holds("d//f", "x") && holds("d/../d/f", "x"));
    CHECK(stat("/", &a) == 0 && stat("/..", &b) == 0 && a.st_ino == b.st_ino);
    CHECK(stat("/../../..//", &b) == 0 && a.st_ino == b.st_ino);
    CHECK(stat("d/", &a) == 0 && stat("d/.", &b) == 0 && a.st_ino == b.st_ino);
    FAILS(ENOTDIR, stat("d/f/", &a));
    FAILS(ENOTDIR, stat("d/f/.", &a));
    FAILS(ENOTDIR, stat("d/f/..", &a));
    FAILS(ENOENT, stat("no/../d", &a));
    snprintf(path, sizeof(path), "%s/d/f", start);
    CHECK(holds(path, "x"));
    CHECK_EQ(symlink(path, "abs"), 0);
    CHECK(holds("abs", "x"));
    CHECK_EQ(symlink("..", "d/up"), 0);
    CHECK(holds("d/up/d/up/d/f", "x"));
    char *real = realpath("d/up/abs", NULL);
    CHECK(real != NULL && strcmp(real, path) == 0);
    free(real);
    real = realpath("d/up/d//.", NULL);
    path[strlen(path) - 2] = '\0';
    CHECK(real != NULL && strcmp(real, path) == 0);
    free(real);
    CHECK(realpath("/", path) == path && strcmp(path, "/") == 0);
    CHECK(realpath("no", NULL) == NULL && errno == ENOENT);
    memset(path, '/', sizeof(path)); /* many slashes are one, but there may not be too many */
    path[PATH_MAX - 1] = '\0';
    CHECK_EQ(stat(path, &a), 0);
    path[PATH_MAX - 1] = '/';
    path[PATH_MAX] = '\0';
    FAILS(ENAMETOOLONG, stat(path, &a));
    CHECK(unlink("abs") == 0 && unlink("d/up") == 0 && unlink("d/f") == 0 && rmdir("d") == 0);
}

void paths_loops(void)
{
    struct stat st;
    char from[16], to[16];
    CHECK_EQ(symlink("loop2", "loop1"), 0);
    CHECK_EQ(symlink("loop1", "loop2"), 0);
    FAILS(ELOOP, open("loop1", O_RDONLY));
    FAILS(ELOOP, open("loop1", O_WRONLY | O_CREAT, 0644));
    FAILS(ELOOP, stat("loop1/x", &st));
    CHECK_EQ(lstat("loop1", &st), 0);
    CHECK(unlink("loop1") == 0 && unlink("loop2") == 0);
    CHECK_EQ(symlink("self/x", "self"), 0);
    FAILS(ELOOP, stat("self", &st));
    CHECK_EQ(unlink("self"), 0);
    put_file("l0", "end");
    for (int i = 0; i < 41; i++) { /* 40 links are followed, 41 are not */
        snprintf(from, sizeof(from), "l%d", i);
        snprintf(to, sizeof(to), "l%d", i + 1);
        CHECK_EQ(symlink(from, to), 0);
    }
    CHECK(holds("l40", "end"));
    FAILS(ELOOP, stat("l41", &st));
    for (int i = 0; i <= 41; i++) {
        snprintf(from, sizeof(from), "l%d", i);
        CHECK_EQ(unlink(from), 0);
    }
}

#define DEPTH 2500

void paths_deep(void)
{
    static char path[PATH_MAX];
    struct stat st;
    char *top = getcwd(NULL, 0);
    int made = 0;
    while (made < DEPTH && mkdir("d", 0755) == 0 && chdir("d") == 0) {
        made++;
    }
    CHECK_EQ(made, DEPTH);
    CHECK(getcwd(path, sizeof(path)) == NULL && errno == ERANGE); /* it does not fit */
    put_file("bottom", "!");
    CHECK(holds("../d/bottom", "!"));
    CHECK_EQ(unlink("bottom"), 0);
    for (int i = 0; i < made; i++) {
        if (chdir("..") != 0 || rmdir("d") != 0) {
            CHECK(!"climbed and removed");
            break;
        }
    }
    char *now = getcwd(NULL, 0);
    CHECK(top != NULL && now != NULL && strcmp(top, now) == 0);
    free(top);
    free(now);
    FAILS(ENOENT, stat("d", &st));
    /* A chain of removed directories that only the deepest one's descriptor keeps. */
    int fd = -1;
    for (made = 0; made < DEPTH && mkdir("d", 0755) == 0 && chdir("d") == 0;) {
        made++;
    }
    fd = open(".", O_RDONLY);
    for (int i = 0; i < made; i++) {
        CHECK(chdir("..") == 0 && rmdir("d") == 0);
    }
    CHECK_EQ(fstat(fd, &st), 0);
    close(fd);
}

void paths_cwd(void)
{
    char buf[PATH_MAX], small[4];
    struct stat a, b;
    CHECK_EQ(mkdir("d", 0755), 0);
    put_file("f", "x");
    FAILS(ENOENT, chdir("no"));
    FAILS(ENOTDIR, chdir("f"));
    int up = open(".", O_RDONLY | O_DIRECTORY);
    CHECK_EQ(chdir("d"), 0);
    CHECK(getcwd(buf, sizeof(buf)) != NULL && strcmp(strrchr(buf, '/'), "/d") == 0);
    CHECK(getcwd(small, sizeof(small)) == NULL && errno == ERANGE);
    CHECK(getcwd(small, 0) == NULL && errno == EINVAL);
    CHECK(stat(".", &a) == 0 && stat(buf, &b) == 0 && a.st_ino == b.st_ino);
    CHECK(holds("../f", "x"));
    CHECK_EQ(rmdir("../d"), 0); /* the working directory itself */
    CHECK(getcwd(buf, sizeof(buf)) == NULL && errno == ENOENT);
    FAILS(ENOENT, open("f", O_WRONLY | O_CREAT, 0644));
    CHECK(stat(".", &a) == 0 && a.st_nlink == 0);
    CHECK(holds("../f", "x"));
    CHECK_EQ(fchdir(up), 0);
    CHECK(holds("f", "x"));
    int file = open("f", O_RDONLY);
    FAILS(ENOTDIR, fchdir(file));
    FAILS(EBADF, fchdir(999));
    close(file);
    close(up);
    CHECK(getcwd(buf, sizeof(buf)) != NULL);
    CHECK_EQ(chdir("/"), 0);
    CHECK(getcwd(small, sizeof(small)) != NULL && strcmp(small, "/") == 0);
    CHECK_EQ(chdir(buf), 0);
    CHECK_EQ(unlink("f"), 0);
}
