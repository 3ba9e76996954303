/* SPDX-License-Identifier: BSD-2-Clause */
/* What is made of files: sendfile, temporary files, stdio, devices. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parts.h"

#define BIG 300000u

static char big[BIG], back[BIG];

void calls_sendfile(void)
{
    for (size_t i = 0; i < BIG; i++) {
        big[i] = (char)(i * 7 + i / 1000);
    }
    int in = open("in", O_RDWR | O_CREAT, 0644);
    CHECK_EQ(write(in, big, BIG), BIG);
    int out = open("out", O_RDWR | O_CREAT, 0644);
    off_t at = 1000;
    CHECK_EQ(sendfile(out, in, &at, BIG), BIG - 1000);
    CHECK_EQ(at, BIG);
    CHECK_EQ(lseek(in, 0, SEEK_CUR), BIG); /* with an offset the position stays */
    CHECK_EQ(pread(out, back, BIG, 0), BIG - 1000);
    CHECK(memcmp(back, big + 1000, BIG - 1000) == 0);
    CHECK_EQ(lseek(in, 5, SEEK_SET), 5);
    CHECK_EQ(sendfile(out, in, NULL, 10), 10);
    CHECK_EQ(lseek(in, 0, SEEK_CUR), 15);
    CHECK_EQ(lseek(out, 0, SEEK_CUR), BIG - 1000 + 10);
    CHECK_EQ(sendfile(out, in, &at, 10), 0); /* at the end */
    CHECK_EQ(sendfile(out, in, &at, 0), 0);
    at = -1;
    FAILS(EINVAL, sendfile(out, in, &at, 10));
    FAILS(EBADF, sendfile(999, in, NULL, 10));
    FAILS(EBADF, sendfile(out, 999, NULL, 10));
    int ro = open("out", O_RDONLY);
    FAILS(EBADF, sendfile(ro, in, NULL, 10));
    close(ro);
    int append = open("out", O_WRONLY | O_APPEND);
    FAILS(EINVAL, sendfile(append, in, NULL, 10));
    close(append);
    int null = open("/dev/null", O_WRONLY);
    at = 0;
    CHECK_EQ(sendfile(null, in, &at, BIG), BIG);
    close(null);
    close(in);
    close(out);
    CHECK(unlink("in") == 0 && unlink("out") == 0);
}

void calls_temporary(void)
{
    char a[] = "fXXXXXX", b[] = "fXXXXXX", d[] = "dXXXXXX", s[] = "fXXXXXX.txt", bad[] = "fXXXXX";
    struct stat st;
    int fa = mkstemp(a), fb = mkstemp(b), fs = mkstemps(s, 4);
    CHECK(fa >= 0 && fb >= 0 && fs >= 0 && strcmp(a, b) != 0);
    CHECK(fstat(fa, &st) == 0 && (st.st_mode & 07777) == 0600);
    CHECK(strcmp(s + 7, ".txt") == 0 && size_of(s) == 0);
    CHECK(mkdtemp(d) == d && stat(d, &st) == 0 && (st.st_mode & 07777) == 0700);
    FAILS(EINVAL, mkstemp(bad));
    close(fa);
    close(fb);
    close(fs);
    CHECK(unlink(a) == 0 && unlink(b) == 0 && unlink(s) == 0 && rmdir(d) == 0);
    FILE *f = tmpfile();
    CHECK(f != NULL);
    CHECK(fputs("temporary", f) >= 0 && fseek(f, 4, SEEK_SET) == 0);
    CHECK(fgets(back, sizeof(back), f) != NULL && strcmp(back, "orary") == 0);
    CHECK_EQ(fclose(f), 0);
}

void calls_stdio(void)
{
    FILE *f = fopen("f", "w");
    CHECK(f != NULL);
    for (int i = 0; i < 5000; i++) {
        fprintf(f, "line %d\n", i);
    }
    CHECK_EQ(fclose(f), 0);
    f = fopen("f", "a+");
    fputs("END\n", f);
    CHECK_EQ(fseek(f, 0, SEEK_SET), 0);
    int n = 0, i = 0;
    while (fscanf(f, "line %d\n", &i) == 1) {
        CHECK_EQ(i, n++);
    }
    CHECK_EQ(n, 5000);
    CHECK(fgets(back, 100, f) != NULL && strcmp(back, "END\n") == 0);
    CHECK(fgets(back, 100, f) == NULL && feof(f));
    fclose(f);
    CHECK(fopen("no", "r") == NULL && errno == ENOENT);
    CHECK(fopen("f", "wx") == NULL && errno == EEXIST);
    f = fopen("f", "r+");
    CHECK(fseek(f, 5, SEEK_SET) == 0 && fputc('X', f) == 'X');
    rewind(f);
    CHECK(fgets(back, 100, f) != NULL && strcmp(back, "line X\n") == 0);
    fclose(f);
    CHECK_EQ(unlink("f"), 0);
}

void calls_devices(void)
{
    struct stat st, dir;
    char c = 1;
    unsigned found = 0;
    int fd = open("/dev/zero", O_RDWR);
    CHECK(read(fd, &c, 1) == 1 && c == 0);
    CHECK(fstat(fd, &st) == 0 && S_ISCHR(st.st_mode));
    close(fd);
    CHECK(stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev != 0);
    CHECK(stat("/dev", &dir) == 0 && S_ISDIR(dir.st_mode) && dir.st_dev == st.st_dev);
    CHECK(stat("/", &dir) == 0 && dir.st_dev != st.st_dev);
    CHECK(stat("/dev/..", &st) == 0 && st.st_ino == dir.st_ino);
    fd = open("/dev/full", O_WRONLY);
    FAILS(ENOSPC, write(fd, "x", 1));
    close(fd);
    FAILS(ENOTDIR, open("/dev/null/x", O_RDONLY));
    FAILS(ENOTDIR, open("/dev/null", O_RDONLY | O_DIRECTORY));
    FAILS(EEXIST, open("/dev/null", O_WRONLY | O_CREAT | O_EXCL, 0644));
    FAILS(EINVAL, truncate("/dev/null", 0));
    close(open("/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0644));
    DIR *d = opendir("/dev");
    const struct dirent *e;
    while (d != NULL && (e = readdir(d)) != NULL) {
        found += strcmp(e->d_name, "null") == 0 || strcmp(e->d_name, "urandom") == 0 ||
                 strcmp(e->d_name, "stdout") == 0;
    }
    CHECK_EQ(found, 3);
    closedir(d);
#ifdef __pith__
    FAILS(EROFS, open("/dev/new", O_WRONLY | O_CREAT, 0644));
    FAILS(EROFS, mkdir("/dev/new", 0755));
    FAILS(EROFS, unlink("/dev/null"));
    FAILS(EBUSY, rmdir("/dev"));
    FAILS(EBUSY, rename("/dev", "/other"));
    FAILS(EXDEV, rename("/dev/null", "/null"));
    FAILS(EPERM, mkfifo("fifo", 0644));
    FAILS(EPERM, mknod("node", S_IFCHR | 0644, 1));
#endif
    char *real = realpath("/dev/../dev/null", NULL);
    CHECK(real != NULL && strcmp(real, "/dev/null") == 0);
    free(real);
}
