/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done to descriptors and files by calls that the other programs do not have. */
#define _GNU_SOURCE
#include "../conform.h"

#include <limits.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <utime.h>

static char buf[256];

static void copies(void)
{
    SAY("dup");
    int fd = (int)MUST(open("f", O_RDWR | O_CREAT | O_TRUNC, 0644));
    int d = FD(dup(fd));
    CALL(write(fd, "0123456789", 10));
    CALL(lseek(d, 0, SEEK_CUR)); /* one offset */
    CALL(dup(-1));
    CALL(dup2(fd, fd) == fd);
    CALL(dup2(-1, 50));
    CALL(dup2(fd, -1));
    CALL(dup2(fd, 50));
    CALL(dup2(d, 50));
    CALL(dup3(fd, fd, 0));
    CALL(dup3(fd, 51, O_CLOEXEC));
    CALL(fcntl(51, F_GETFD));
    CALL(dup3(fd, 52, O_APPEND));
    CALL(fcntl(fd, F_DUPFD, 60));
    CALL(fcntl(fd, F_DUPFD_CLOEXEC, 60));
    CALL(fcntl(61, F_GETFD));
    CALL(fcntl(fd, F_DUPFD, -1));
    CALL(fcntl(fd, F_DUPFD, 100000000));
    CALL(fcntl(fd, F_SETFD, FD_CLOEXEC));
    CALL(fcntl(fd, F_GETFD));
    CALL(fcntl(d, F_GETFD));
    CALL(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
    SHOW((fcntl(d, F_GETFL) & (O_APPEND | O_NONBLOCK | O_ACCMODE)) == (O_APPEND | O_NONBLOCK | O_RDWR));
    CALL(fcntl(fd, F_SETFL, 0));
    CALL(fcntl(fd, 9999, 0));
    CALL(fcntl(-1, F_GETFD));
    close(50);
    close(51);
    close(60);
    close(61);
    close(d);
    CALL(close(d));
    CALL(close(-1));
    close(fd);
}

static void vectors(void)
{
    char a[4] = "", b[8] = "", c[4] = "";
    struct iovec v[3] = {{a, 3}, {b, 0}, {c, 3}}, many[2000];
    SAY("vectors");
    int fd = (int)MUST(open("f", O_RDWR | O_CREAT | O_TRUNC, 0644));
    struct iovec w[3] = {{(char *)(uintptr_t)"abc", 3}, {NULL, 0}, {(char *)(uintptr_t)"defgh", 5}};
    CALL(writev(fd, w, 3));
    CALL(lseek(fd, 0, SEEK_SET));
    CALL(readv(fd, v, 3));
    STR(a);
    STR(c);
    CALL(readv(fd, v, 3));
    CALL(readv(fd, v, 3));
    CALL(readv(fd, v, 0));
    CALL(readv(fd, v, minus_one));
    for (int i = 0; i < 2000; i++) {
        many[i] = (struct iovec){b, 1};
    }
    CALL(writev(fd, many, IOV_MAX));
    CALL(writev(fd, many, IOV_MAX + 1));
    CALL(preadv(fd, v, 3, 1));
    STR(a);
    CALL(pwritev(fd, w, 3, 2));
    CALL(preadv(fd, v, 3, -1));
    CALL(writev(-1, w, 3));
    CALL(pread(fd, buf, 0, 0));
    CALL(read(fd, buf, 0));
    CALL(write(fd, buf, 0));
    close(fd);
    int p[2];
    MUST(pipe(p));
    CALL(pread(p[0], buf, 1, 0));
    CALL(pwrite(p[1], buf, 1, 0));
    CALL(lseek(p[0], 0, SEEK_SET));
    CALL(writev(p[1], w, 3));
    int n = 0;
    CALL(ioctl(p[0], FIONREAD, &n));
    SHOW(n);
    CALL(ioctl(p[0], 0x12345, &n));
    CALL(ioctl(-1, FIONREAD, &n));
    CALL(fsync(p[0]));
    CALL(ftruncate(p[0], 0));
    close(p[0]);
    close(p[1]);
}

static void space(void)
{
    struct stat st;
    SAY("space");
    int fd = (int)MUST(open("f", O_RDWR | O_CREAT | O_TRUNC, 0644));
    CALL(posix_fallocate(fd, 0, 100));
    CALL(fstat(fd, &st));
    SHOW(st.st_size);
    SHOW(posix_fallocate(fd, 0, 0) == EINVAL);
    SHOW(posix_fallocate(fd, -1, 10) == EINVAL);
    SHOW(posix_fallocate(-1, 0, 10) == EBADF);
    CALL(posix_fallocate(fd, 50, 10));
    CALL(fstat(fd, &st));
    SHOW(st.st_size);
    SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
    SHOW(posix_fadvise(fd, 0, 0, 77) == EINVAL);
    SHOW(posix_fadvise(-1, 0, 0, POSIX_FADV_NORMAL) == EBADF);
    CALL(fsync(fd));
    CALL(fdatasync(fd));
    CALL(fsync(-1));
    sync();
    CALL(ftruncate(fd, 1000000));
    CALL(fstat(fd, &st));
    SHOW(st.st_size);
    CALL(lseek(fd, 1, SEEK_SET));
    CALL(lseek(fd, -2, SEEK_CUR));
    CALL(lockf(fd, F_LOCK, 0));
    CALL(lockf(fd, F_TEST, 0));
    CALL(lockf(fd, F_ULOCK, 0));
    CALL(lockf(fd, 77, 0));
    CALL(flock(fd, LOCK_EX | LOCK_NB));
    int other = (int)MUST(open("f", O_RDONLY));
    CALL(flock(other, LOCK_SH | LOCK_NB));
    CALL(flock(fd, LOCK_UN));
    CALL(flock(other, LOCK_SH));
    CALL(flock(other, 77));
    CALL(flock(-1, LOCK_SH));
    close(other);
    close(fd);
}

static void attributes(void)
{
    struct stat st;
    SAY("modes and owners");
    int fd = (int)MUST(open("f", O_RDWR | O_CREAT | O_TRUNC, 0644));
    CALL(fchmod(fd, 04755));
    CALL(fstat(fd, &st));
    SHOW(st.st_mode & 07777);
    CALL(chmod("f", 0));
    CALL(stat("f", &st));
    SHOW(st.st_mode & 07777);
    CALL(fchmod(-1, 0));
    CALL(fchmodat(AT_FDCWD, "f", 0600, 0));
    CALL(fchmodat(AT_FDCWD, "none", 0600, 0));
    CALL(chown("f", (uid_t)-1, (gid_t)-1));
    CALL(lchown("f", getuid(), getgid()));
    CALL(fchown(fd, getuid(), (gid_t)-1));
    CALL(fchownat(AT_FDCWD, "f", getuid(), getgid(), 0));
    CALL(chown("none", 0, 0));
    CALL(access("f", R_OK | W_OK));
    CALL(eaccess("f", F_OK));
    CALL(faccessat(AT_FDCWD, "f", W_OK, AT_EACCESS));
    SAY("times");
    struct timespec t[2] = {{100, 1}, {200, 2}};
    struct timeval tv[2] = {{300, 3}, {400, 4}};
    struct utimbuf ub = {500, 600};
    CALL(futimens(fd, t));
    CALL(fstat(fd, &st));
    SHOW(st.st_atim.tv_sec * 1000 + st.st_mtim.tv_nsec);
    CALL(utimes("f", tv));
    CALL(stat("f", &st));
    SHOW(st.st_mtim.tv_sec * 10000 + st.st_mtim.tv_nsec);
    CALL(utime("f", &ub));
    CALL(stat("f", &st));
    SHOW(st.st_atime * 1000 + st.st_mtime);
    CALL(utime("f", NULL));
    CALL(stat("f", &st));
    IS(time(NULL) - st.st_mtime < 5);
    CALL(utimes("none", tv));
    CALL(futimens(-1, t));
    tv[0].tv_usec = 1000000;
    CALL(utimes("f", tv));
    t[0].tv_nsec = t[1].tv_nsec = UTIME_OMIT;
    CALL(futimens(fd, t));
    close(fd);
    SAY("a write sets the times");
    fd = (int)MUST(open("f", O_RDWR));
    CALL(futimens(fd, (struct timespec[]){{1, 0}, {1, 0}}));
    CALL(write(fd, "x", 1));
    CALL(fstat(fd, &st));
    IS(st.st_mtime > 1000 && st.st_ctime > 1000);
    SHOW(st.st_atime);
    close(fd);
    SAY("creat and the umask");
    umask(027);
    fd = (int)MUST(creat("g", 0777));
    CALL(fstat(fd, &st));
    SHOW(st.st_mode & 07777);
    CALL(read(fd, buf, 1));
    close(fd);
    umask(022);
    CALL(unlink("g"));
    CALL(mkfifo("p", 0600));
    remove("p");
    CALL(mknod("n", S_IFREG | 0644, 0));
    CALL(stat("n", &st));
    SHOW(S_ISREG(st.st_mode));
    CALL(unlink("n"));
}

static void devices(void)
{
    SAY("devices");
    int null = FD(open("/dev/null", O_RDWR)), zero = FD(open("/dev/zero", O_RDWR)), full = FD(open("/dev/full", O_RDWR));
    CALL(read(null, buf, 10));
    CALL(write(null, buf, 10));
    memset(buf, 'x', 10);
    CALL(read(zero, buf, 10));
    SHOW(buf[9]);
    CALL(write(full, buf, 10));
    CALL(read(full, buf, 10));
    CALL(ftruncate(null, 0));
    int random = FD(open("/dev/urandom", O_RDONLY));
    CALL(read(random, buf, 20));
    struct stat st;
    CALL(fstat(null, &st));
    SHOW(S_ISCHR(st.st_mode));
    SHOW((long)st.st_rdev == 0x103);
    close(null), close(zero), close(full), close(random);
}

int main(void)
{
    char top[sizeof(FOLDER_PATTERN)];
    begin();
    if (!enter_folder(top)) {
        return 1;
    }
    copies();
    vectors();
    space();
    attributes();
    devices();
    CALL(unlink("f"));
    CALL(chdir("/"));
    CALL(rmdir(top));
    return end();
}
