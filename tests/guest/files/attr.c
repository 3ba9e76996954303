/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of files: stat, times, modes, owners, file systems. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include "parts.h"

void attr_stat(void)
{
    struct stat st, same, dir;
    CHECK(stat(".", &dir) == 0);
    nlink_t links = dir.st_nlink;
    int fd = open("f", O_RDWR | O_CREAT, 0666);
    CHECK_EQ(pwrite(fd, "x", 1, 9999), 1);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK(S_ISREG(st.st_mode));
    CHECK_EQ(st.st_mode & 07777, 0644); /* without the umask's bits */
    CHECK_EQ(st.st_size, 10000);
    CHECK_EQ(st.st_nlink, 1);
    CHECK_EQ(st.st_uid, geteuid());
    CHECK(st.st_ino != 0 && st.st_dev == dir.st_dev);
    CHECK(st.st_blksize >= 512);
    CHECK(stat("f", &same) == 0 && same.st_ino == st.st_ino && same.st_dev == st.st_dev);
    close(fd);
    CHECK_EQ(mkdir("d", 0777), 0);
    CHECK(stat(".", &dir) == 0 && dir.st_nlink == links + 1);
    CHECK(stat("d", &dir) == 0 && S_ISDIR(dir.st_mode) && dir.st_nlink == 2);
    CHECK_EQ(dir.st_mode & 07777, 0755);
    CHECK_EQ(rmdir("d"), 0);
    CHECK(stat(".", &dir) == 0 && dir.st_nlink == links);
    FAILS(ENOENT, stat("no", &st));
    FAILS(EBADF, fstat(999, &st));
    FAILS(EINVAL, fstatat(AT_FDCWD, "f", &st, 0x40000000));
    struct statvfs vfs;
    CHECK_EQ(statvfs("f", &vfs), 0);
    CHECK(vfs.f_bsize >= 512 && vfs.f_blocks > 0 && vfs.f_bfree <= vfs.f_blocks);
    CHECK_EQ(vfs.f_namemax, 255);
    fd = open("f", O_RDONLY);
    CHECK_EQ(fstatvfs(fd, &vfs), 0);
    close(fd);
    FAILS(ENOENT, statvfs("no", &vfs));
    sync();
    CHECK_EQ(unlink("f"), 0);
}

static bool later(struct timespec a, struct timespec b)
{
    return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

/* Let the clock of files go on; Linux' moves in steps. */
static void wait_a_tick(void)
{
    usleep(20000);
}

void attr_times(void)
{
    struct stat a, b;
    struct timespec now;
    put_file("f", "x");
    clock_gettime(CLOCK_REALTIME, &now);
    CHECK(stat("f", &a) == 0);
    CHECK(!later(a.st_mtim, now) && now.tv_sec - a.st_mtim.tv_sec < 10);
    CHECK_EQ(a.st_ctim.tv_sec, a.st_mtim.tv_sec);
    wait_a_tick();
    CHECK_EQ(chmod("f", 0600), 0);
    CHECK(stat("f", &b) == 0 && later(b.st_ctim, a.st_ctim) && !later(b.st_mtim, a.st_mtim));
    wait_a_tick();
    put_file("f", "yy");
    CHECK(stat("f", &a) == 0 && later(a.st_mtim, b.st_mtim) && later(a.st_ctim, b.st_ctim));
    CHECK(stat(".", &a) == 0);
    wait_a_tick();
    put_file("g", "x");
    CHECK(stat(".", &b) == 0 && later(b.st_mtim, a.st_mtim));
    wait_a_tick();
    CHECK_EQ(unlink("g"), 0);
    CHECK(stat(".", &a) == 0 && later(a.st_mtim, b.st_mtim));
    struct timespec ts[2] = { { 1000, 5 }, { 2000, 7 } };
    CHECK_EQ(utimensat(AT_FDCWD, "f", ts, 0), 0);
    CHECK(stat("f", &a) == 0 && a.st_atim.tv_sec == 1000 && a.st_atim.tv_nsec == 5);
    CHECK(a.st_mtim.tv_sec == 2000 && a.st_mtim.tv_nsec == 7);
    ts[0].tv_nsec = UTIME_OMIT;
    ts[1].tv_nsec = UTIME_NOW;
    CHECK_EQ(utimensat(AT_FDCWD, "f", ts, 0), 0);
    CHECK(stat("f", &b) == 0 && b.st_atim.tv_sec == 1000 && b.st_mtim.tv_sec >= now.tv_sec);
    ts[0].tv_nsec = 1000000000;
    FAILS(EINVAL, utimensat(AT_FDCWD, "f", ts, 0));
    FAILS(ENOENT, utimensat(AT_FDCWD, "no", NULL, 0));
    struct timeval tv[2] = { { 3000, 1 }, { 4000, 2 } };
    CHECK_EQ(utimes("f", tv), 0);
    CHECK(stat("f", &a) == 0 && a.st_mtim.tv_sec == 4000 && a.st_mtim.tv_nsec == 2000);
    struct utimbuf buf = { 11, 12 };
    CHECK_EQ(utime("f", &buf), 0);
    CHECK(stat("f", &a) == 0 && a.st_atime == 11 && a.st_mtime == 12);
    int fd = open("f", O_RDWR);
    CHECK_EQ(futimens(fd, NULL), 0);
    CHECK(fstat(fd, &a) == 0 && a.st_mtim.tv_sec >= now.tv_sec && a.st_atim.tv_sec >= now.tv_sec);
    close(fd);
    CHECK_EQ(symlink("f", "s"), 0);
    ts[0] = ts[1] = (struct timespec){ 77, 0 };
    CHECK_EQ(utimensat(AT_FDCWD, "s", ts, AT_SYMLINK_NOFOLLOW), 0);
    CHECK(lstat("s", &a) == 0 && a.st_mtime == 77);
    CHECK(stat("s", &a) == 0 && a.st_mtime != 77);
    CHECK(unlink("s") == 0 && unlink("f") == 0);
}

void attr_modes(void)
{
    struct stat st;
    mode_t old = umask(077);
    CHECK_EQ(old, 022);
    put_file("f", "x");
    CHECK(stat("f", &st) == 0 && (st.st_mode & 07777) == 0600);
    CHECK_EQ(umask(old), 077);
    CHECK_EQ(chmod("f", 04755), 0);
    CHECK(stat("f", &st) == 0 && (st.st_mode & 07777) == 04755 && S_ISREG(st.st_mode));
    CHECK_EQ(access("f", R_OK | W_OK | X_OK), 0);
    int fd = open("f", O_RDONLY);
    CHECK_EQ(fchmod(fd, 0644), 0);
    FAILS(EBADF, fchmod(999, 0644));
    CHECK_EQ(access("f", F_OK), 0);
    FAILS(EACCES, access("f", X_OK));
    FAILS(EINVAL, access("f", 99));
    FAILS(ENOENT, access("no", F_OK));
    CHECK_EQ(access(".", X_OK), 0);
    CHECK_EQ(fchmodat(AT_FDCWD, "f", 0444, 0), 0);
    close(fd);
    if (geteuid() == 0) { /* the superuser writes what is read-only, and gives files away */
        fd = open("f", O_WRONLY);
        CHECK(fd >= 0);
        CHECK_EQ(fchown(fd, 12, 34), 0);
        close(fd);
        CHECK(stat("f", &st) == 0 && st.st_uid == 12 && st.st_gid == 34);
        CHECK_EQ(chmod("f", 06755), 0);
        CHECK_EQ(chown("f", (uid_t)-1, 56), 0);
        CHECK(stat("f", &st) == 0 && st.st_uid == 12 && st.st_gid == 56);
        CHECK_EQ(st.st_mode & 07777, 0755);
        CHECK_EQ(symlink("f", "s"), 0);
        CHECK_EQ(lchown("s", 7, 8), 0);
        CHECK(lstat("s", &st) == 0 && st.st_uid == 7);
        CHECK(stat("s", &st) == 0 && st.st_uid == 12);
        CHECK_EQ(unlink("s"), 0);
    }
    CHECK_EQ(unlink("f"), 0);
}
