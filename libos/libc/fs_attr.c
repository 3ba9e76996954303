/* SPDX-License-Identifier: BSD-2-Clause */
/* Changing what is known of files: modes, owners, times, sizes. */
#define _GNU_SOURCE /* futimesat */
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include <pith/file.h>
#include <pith/fs.h>

#include "result.h"

#define US_PER_S 1000000l

int chmod(const char *path, mode_t mode)
{
    return (int)libc_result(fs_chmod(AT_FDCWD, path, mode, 0));
}

int fchmodat(int dirfd, const char *path, mode_t mode, int flags)
{
    return (int)libc_result(fs_chmod(dirfd, path, mode, flags));
}

int fchmod(int fd, mode_t mode)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return (int)libc_result(-EBADF);
    }
    int r = fs_fchmod(f, mode);
    file_unref(f);
    return (int)libc_result(r);
}

int chown(const char *path, uid_t uid, gid_t gid)
{
    return (int)libc_result(fs_chown(AT_FDCWD, path, uid, gid, 0));
}

int lchown(const char *path, uid_t uid, gid_t gid)
{
    return (int)libc_result(fs_chown(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW));
}

int fchownat(int dirfd, const char *path, uid_t uid, gid_t gid, int flags)
{
    return (int)libc_result(fs_chown(dirfd, path, uid, gid, flags));
}

int fchown(int fd, uid_t uid, gid_t gid)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return (int)libc_result(-EBADF);
    }
    int r = fs_fchown(f, uid, gid);
    file_unref(f);
    return (int)libc_result(r);
}

int futimens(int fd, const struct timespec times[2])
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return (int)libc_result(-EBADF);
    }
    int r = fs_futimens(f, times);
    file_unref(f);
    return (int)libc_result(r);
}

/* With a NULL path it is of the descriptor itself, as on Linux. */
int utimensat(int dirfd, const char *path, const struct timespec times[2], int flags)
{
    if (path == NULL) {
        return futimens(dirfd, times);
    }
    return (int)libc_result(fs_utimens(dirfd, path, times, flags));
}

/* Returns `out` filled, NULL for "now". Errors: *bad. */
static const struct timespec *from_timeval(const struct timeval tv[2], struct timespec out[2],
                                           bool *bad)
{
    *bad = false;
    if (tv == NULL) {
        return NULL;
    }
    for (int i = 0; i < 2; i++) {
        *bad = *bad || tv[i].tv_usec < 0 || tv[i].tv_usec >= US_PER_S;
        out[i] = (struct timespec){ tv[i].tv_sec, tv[i].tv_usec * 1000 };
    }
    return out;
}

static int set_timeval(int dirfd, const char *path, const struct timeval tv[2], int flags)
{
    struct timespec out[2];
    bool bad;
    const struct timespec *times = from_timeval(tv, out, &bad);
    return (int)libc_result(bad ? -EINVAL : fs_utimens(dirfd, path, times, flags));
}

int utimes(const char *path, const struct timeval tv[2])
{
    return set_timeval(AT_FDCWD, path, tv, 0);
}

int lutimes(const char *path, const struct timeval tv[2])
{
    return set_timeval(AT_FDCWD, path, tv, AT_SYMLINK_NOFOLLOW);
}

int futimesat(int dirfd, const char *path, const struct timeval tv[2])
{
    return set_timeval(dirfd, path, tv, 0);
}

int futimes(int fd, const struct timeval tv[2])
{
    struct timespec out[2];
    bool bad;
    const struct timespec *times = from_timeval(tv, out, &bad);
    return bad ? (int)libc_result(-EINVAL) : futimens(fd, times);
}

int utime(const char *path, const struct utimbuf *buf)
{
    struct timespec times[2];
    if (buf != NULL) {
        times[0] = (struct timespec){ buf->actime, 0 };
        times[1] = (struct timespec){ buf->modtime, 0 };
    }
    return (int)libc_result(fs_utimens(AT_FDCWD, path, buf != NULL ? times : NULL, 0));
}

int truncate(const char *path, off_t size)
{
    return (int)libc_result(fs_truncate(path, size));
}

int posix_fallocate(int fd, off_t pos, off_t len)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return EBADF;
    }
    int r = fs_allocate(f, pos, len);
    file_unref(f);
    return -r; /* the error itself: errno stays */
}
