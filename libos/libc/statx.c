/* SPDX-License-Identifier: BSD-2-Clause */
/* statx(2): stat() in other words, with all that stat() knows whatever was asked for. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <pith/fs.h>

#include "result.h"

#define RESERVED 0x80000000u /* STATX__RESERVED (uapi/linux/stat.h) */

static struct statx_timestamp time_of(const struct timespec *ts)
{
    return (struct statx_timestamp){ .tv_sec = ts->tv_sec, .tv_nsec = (uint32_t)ts->tv_nsec };
}

int statx(int dirfd, const char *restrict path, int flags, unsigned mask,
          struct statx *restrict out)
{
    struct stat st;
    if ((mask & RESERVED) || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE) {
        return (int)libc_result(-EINVAL);
    }
    int r = fs_stat(dirfd, path, &st, flags & ~(AT_STATX_SYNC_TYPE | AT_NO_AUTOMOUNT));
    if (r == 0) {
        *out = (struct statx){
            .stx_mask = STATX_BASIC_STATS,
            .stx_blksize = (uint32_t)st.st_blksize,
            .stx_nlink = (uint32_t)st.st_nlink,
            .stx_uid = st.st_uid,
            .stx_gid = st.st_gid,
            .stx_mode = (uint16_t)st.st_mode,
            .stx_ino = st.st_ino,
            .stx_size = (uint64_t)st.st_size,
            .stx_blocks = (uint64_t)st.st_blocks,
            .stx_atime = time_of(&st.st_atim),
            .stx_ctime = time_of(&st.st_ctim),
            .stx_mtime = time_of(&st.st_mtim),
            .stx_rdev_major = major(st.st_rdev),
            .stx_rdev_minor = minor(st.st_rdev),
            .stx_dev_major = major(st.st_dev),
            .stx_dev_minor = minor(st.st_dev),
        };
    }
    return (int)libc_result(r);
}
