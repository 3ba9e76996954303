/* SPDX-License-Identifier: BSD-2-Clause */
/* Names: open, mkdir, unlink, rmdir, rename, link, symlink and their *at forms. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parts.h"

static bool exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

void names_open(void)
{
    char buf[8] = "";
    FAILS(ENOENT, open("a", O_RDONLY));
    FAILS(ENOENT, open("", O_RDONLY));
    FAILS(ENOENT, open("", O_WRONLY | O_CREAT, 0644));
    FAILS(ENOENT, open("no/a", O_WRONLY | O_CREAT, 0644));
    int fd = open("a", O_RDWR | O_CREAT | O_EXCL, 0640);
    CHECK(fd >= 0);
    FAILS(EEXIST, open("a", O_RDWR | O_CREAT | O_EXCL, 0640));
    CHECK_EQ(write(fd, "hello", 5), 5);
    CHECK_EQ(lseek(fd, 1, SEEK_SET), 1);
    CHECK_EQ(read(fd, buf, 8), 4);
    CHECK(memcmp(buf, "ello", 4) == 0);
    CHECK_EQ(read(fd, buf, 8), 0);
    close(fd);
    fd = open("a", O_RDONLY);
    FAILS(EBADF, write(fd, "x", 1));
    FAILS(EINVAL, ftruncate(fd, 0));
    close(fd);
    fd = open("a", O_WRONLY | O_APPEND);
    FAILS(EBADF, read(fd, buf, 1));
    CHECK_EQ(write(fd, "!", 1), 1);
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    CHECK_EQ(write(fd, "?", 1), 1);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 7);
    close(fd);
    CHECK(holds("a", "hello!?"));
    fd = open("a", O_RDONLY | O_CREAT, 0);
    CHECK(fd >= 0);
    close(fd);
    close(open("a", O_WRONLY | O_TRUNC));
    CHECK_EQ(size_of("a"), 0);
    FAILS(ENOTDIR, open("a/b", O_RDONLY));
    FAILS(ENOTDIR, open("a/", O_RDONLY));
    FAILS(EISDIR, open("new/", O_WRONLY | O_CREAT, 0644));
    FAILS(ENOTDIR, open("a", O_RDONLY | O_DIRECTORY));
    FAILS(EISDIR, open(".", O_WRONLY));
    FAILS(EISDIR, open(".", O_RDWR));
    FAILS(EISDIR, open(".", O_RDONLY | O_CREAT, 0644));
    fd = open(".", O_RDONLY | O_DIRECTORY);
    CHECK(fd >= 0);
    FAILS(EISDIR, read(fd, buf, 1));
    FAILS(EBADF, write(fd, buf, 1));
    close(fd);
    CHECK_EQ(unlink("a"), 0);
}

void names_make(void)
{
    char longest[NAME_MAX + 2];
    memset(longest, 'n', sizeof(longest));
    longest[NAME_MAX + 1] = '\0';
    CHECK_EQ(mkdir("d", 0755), 0);
    FAILS(EEXIST, mkdir("d", 0755));
    FAILS(EEXIST, mkdir("d/", 0755));
    FAILS(EEXIST, mkdir(".", 0755));
    FAILS(EEXIST, mkdir("d/..", 0755));
    FAILS(EEXIST, mkdir("/", 0755));
    FAILS(ENOENT, mkdir("x/y", 0755));
    FAILS(ENAMETOOLONG, mkdir(longest, 0755));
    FAILS(ENAMETOOLONG, open(longest, O_CREAT | O_WRONLY, 0644));
    longest[NAME_MAX] = '\0';
    CHECK_EQ(mkdir(longest, 0755), 0);
    CHECK_EQ(rmdir(longest), 0);
    CHECK_EQ(mkdir("e/", 0755), 0);
    CHECK_EQ(rmdir("e/"), 0);
    put_file("f", "x");
    FAILS(EEXIST, mkdir("f", 0755));
    FAILS(ENOTDIR, mkdir("f/g", 0755));
    CHECK_EQ(mknod("n", S_IFREG | 0600, 0), 0);
    CHECK_EQ(size_of("n"), 0);
    FAILS(EEXIST, mknod("n", S_IFREG | 0600, 0));
    CHECK_EQ(unlink("n"), 0);
    CHECK_EQ(unlink("f"), 0);
    CHECK_EQ(rmdir("d"), 0);
}

void names_remove(void)
{
    CHECK_EQ(mkdir("d", 0755), 0);
    put_file("d/f", "x");
    FAILS(ENOENT, unlink("no"));
    FAILS(ENOENT, rmdir("no"));
    FAILS(EISDIR, unlink("d"));
    FAILS(EISDIR, unlink("d/"));
    FAILS(EISDIR, unlink("d/."));
    FAILS(ENOTDIR, unlink("d/f/"));
    FAILS(ENOTDIR, unlink("d/f/g"));
    FAILS(ENOTEMPTY, rmdir("d"));
    FAILS(ENOTDIR, rmdir("d/f"));
    FAILS(EINVAL, rmdir("d/."));
    FAILS(ENOTEMPTY, rmdir("d/.."));
    FAILS(EBUSY, rmdir("/"));
    FAILS(ENOTEMPTY, remove("d"));
    CHECK_EQ(remove("d/f"), 0);
    CHECK_EQ(remove("d"), 0);
    CHECK(!exists("d"));
}

void names_rename(void)
{
    put_file("a", "one");
    put_file("b", "two");
    CHECK_EQ(mkdir("d", 0755), 0);
    CHECK_EQ(mkdir("d/sub", 0755), 0);
    CHECK_EQ(mkdir("e", 0755), 0);
    FAILS(ENOENT, rename("no", "x"));
    FAILS(ENOENT, rename("a", "no/x"));
    FAILS(EISDIR, rename("a", "d"));
    FAILS(ENOTDIR, rename("d", "a"));
    FAILS(ENOTEMPTY, rename("e", "d"));
    FAILS(EINVAL, rename("d", "d/sub/x"));
    FAILS(EINVAL, rename("d", "d/x"));
    FAILS(ENOTEMPTY, rename("d/sub", "d"));
    FAILS(EBUSY, rename(".", "x"));
    FAILS(EBUSY, rename("d/..", "x"));
    FAILS(EBUSY, rename("a", "d/."));
    FAILS(ENOTDIR, rename("a/", "c"));
    FAILS(ENOTDIR, rename("a", "c/"));
    CHECK_EQ(rename("a", "a"), 0);
    CHECK_EQ(rename("a", "b"), 0);
    CHECK(holds("b", "one") && !exists("a"));
    CHECK_EQ(rename("b", "d/sub/c"), 0);
    CHECK(holds("d/sub/c", "one") && !exists("b"));
    CHECK_EQ(rename("d", "e"), 0); /* over an empty directory */
    CHECK(holds("e/sub/c", "one") && !exists("d"));
    CHECK_EQ(rename("e/", "g/"), 0);
    CHECK_EQ(rename("g/sub", "up"), 0);
    CHECK(holds("up/c", "one") && holds("up/../up/c", "one"));
    CHECK_EQ(link("up/c", "same"), 0);
    CHECK_EQ(rename("same", "up/c"), 0); /* two names of one file: nothing happens */
    CHECK(exists("same") && exists("up/c"));
    FAILS(EEXIST, renameat2(AT_FDCWD, "same", AT_FDCWD, "up/c", RENAME_NOREPLACE));
    CHECK_EQ(renameat2(AT_FDCWD, "same", AT_FDCWD, "other", RENAME_NOREPLACE), 0);
    CHECK_EQ(unlink("other"), 0);
    CHECK_EQ(unlink("up/c"), 0);
    CHECK_EQ(rmdir("up"), 0);
    CHECK_EQ(rmdir("g"), 0);
}

void names_links(void)
{
    struct stat a, b;
    char buf[16];
    put_file("a", "text");
    CHECK_EQ(mkdir("d", 0755), 0);
    CHECK_EQ(link("a", "d/b"), 0);
    CHECK(stat("a", &a) == 0 && stat("d/b", &b) == 0);
    CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    CHECK_EQ(a.st_nlink, 2);
    FAILS(EEXIST, link("a", "d/b"));
    FAILS(EPERM, link("d", "x"));
    FAILS(ENOENT, link("no", "x"));
    FAILS(ENOENT, link("a", "x/"));
    FAILS(EEXIST, link("a", "d"));
    CHECK_EQ(unlink("a"), 0);
    CHECK(holds("d/b", "text"));
    CHECK_EQ(symlink("d/b", "s"), 0);
    CHECK(holds("s", "text"));
    FAILS(EEXIST, symlink("x", "s"));
    FAILS(ENOENT, symlink("", "t"));
    FAILS(ENOENT, symlink("x", "t/"));
    CHECK_EQ(readlink("s", buf, sizeof(buf)), 3);
    CHECK(memcmp(buf, "d/b", 3) == 0);
    CHECK_EQ(readlink("s", buf, 2), 2);
    FAILS(EINVAL, readlink("s", buf, 0));
    FAILS(EINVAL, readlink("d", buf, sizeof(buf)));
    FAILS(ENOENT, readlink("no", buf, sizeof(buf)));
    FAILS(ELOOP, open("s", O_RDONLY | O_NOFOLLOW));
    FAILS(EEXIST, open("s", O_WRONLY | O_CREAT | O_EXCL, 0644));
    FAILS(EEXIST, mkdir("s", 0755));
    CHECK(lstat("s", &a) == 0 && S_ISLNK(a.st_mode) && a.st_size == 3);
    CHECK_EQ(linkat(AT_FDCWD, "s", AT_FDCWD, "h", AT_SYMLINK_FOLLOW), 0);
    CHECK(lstat("h", &a) == 0 && S_ISREG(a.st_mode) && a.st_nlink == 2);
    CHECK_EQ(link("s", "s2"), 0); /* of the symbolic link itself */
    CHECK(lstat("s2", &a) == 0 && S_ISLNK(a.st_mode) && a.st_nlink == 2);
    CHECK_EQ(symlink("new", "dangling"), 0);
    FAILS(ENOENT, open("dangling", O_RDONLY));
    int fd = open("dangling", O_WRONLY | O_CREAT, 0644);
    CHECK(fd >= 0 && exists("new"));
    close(fd);
    CHECK_EQ(symlink("d", "dl"), 0);
    FAILS(ENOTDIR, rmdir("dl"));
    FAILS(ENOTDIR, rmdir("dl/"));
    FAILS(ENOTDIR, unlink("dl/"));
    CHECK(holds("dl/b", "text"));
    CHECK(lstat("dl/", &a) == 0 && S_ISDIR(a.st_mode));
    const char *all[] = { "s", "s2", "h", "dangling", "new", "dl", "d/b" };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        CHECK_EQ(unlink(all[i]), 0);
    }
    CHECK_EQ(rmdir("d"), 0);
}

void names_at(void)
{
    struct stat st;
    char buf[16];
    CHECK_EQ(mkdir("d", 0755), 0);
    int d = open("d", O_RDONLY | O_DIRECTORY);
    CHECK_EQ(mkdirat(d, "sub", 0755), 0);
    int fd = openat(d, "sub/f", O_WRONLY | O_CREAT, 0644);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, "abc", 3), 3);
    FAILS(ENOTDIR, openat(fd, "x", O_RDONLY));
    FAILS(EBADF, openat(999, "x", O_RDONLY));
    CHECK_EQ(fstatat(999, "/", &st, 0), 0); /* an absolute path needs no directory */
    CHECK_EQ(fstatat(fd, "", &st, AT_EMPTY_PATH), 0);
    CHECK_EQ(st.st_size, 3);
    FAILS(ENOENT, fstatat(fd, "", &st, 0));
    close(fd);
    CHECK_EQ(fstatat(d, "sub/f", &st, 0), 0);
    CHECK_EQ(symlinkat("sub/f", d, "s"), 0);
    CHECK_EQ(fstatat(d, "s", &st, AT_SYMLINK_NOFOLLOW), 0);
    CHECK(S_ISLNK(st.st_mode));
    CHECK_EQ(readlinkat(d, "s", buf, sizeof(buf)), 5);
    CHECK_EQ(linkat(d, "sub/f", d, "g", 0), 0);
    CHECK_EQ(renameat(d, "g", AT_FDCWD, "g"), 0);
    CHECK(holds("g", "abc"));
    CHECK_EQ(faccessat(d, "sub", X_OK, 0), 0);
    FAILS(ENOENT, faccessat(d, "g", F_OK, 0));
    FAILS(EISDIR, unlinkat(d, "sub", 0));
    FAILS(ENOTEMPTY, unlinkat(d, "sub", AT_REMOVEDIR));
    FAILS(EINVAL, unlinkat(d, "sub", 0x4000));
    CHECK_EQ(unlinkat(d, "sub/f", 0), 0);
    CHECK_EQ(unlinkat(d, "sub", AT_REMOVEDIR), 0);
    CHECK_EQ(unlinkat(d, "s", 0), 0);
    CHECK_EQ(unlinkat(AT_FDCWD, "g", 0), 0);
    CHECK_EQ(rmdir("d"), 0);
    FAILS(ENOENT, openat(d, "late", O_WRONLY | O_CREAT, 0644)); /* it has been removed */
    FAILS(ENOENT, mkdirat(d, "late", 0755));
    close(d);
}
