/* SPDX-License-Identifier: BSD-2-Clause */
/* statfs(2) by way of statvfs(). */
#include <sys/statfs.h>

#include <sys/statvfs.h>

#define TMPFS_MAGIC 0x01021994 /* uapi/linux/magic.h */

static int convert(int r, const struct statvfs *from, struct statfs *out)
{
    if (r == 0) {
        *out = (struct statfs){
            .f_type = TMPFS_MAGIC,
            .f_bsize = (long)from->f_frsize,
            .f_blocks = from->f_blocks,
            .f_bfree = from->f_bfree,
            .f_bavail = from->f_bavail,
            .f_files = from->f_files,
            .f_ffree = from->f_ffree,
            .f_fsid = { { (int)from->f_fsid, (int)(from->f_fsid >> 32) } },
            .f_namelen = (long)from->f_namemax,
            .f_frsize = (long)from->f_frsize,
            .f_flags = (long)from->f_flag,
        };
    }
    return r;
}

int statfs(const char *path, struct statfs *out)
{
    struct statvfs found;
    return convert(statvfs(path, &found), &found, out);
}

int fstatfs(int fd, struct statfs *out)
{
    struct statvfs found;
    return convert(fstatvfs(fd, &found), &found, out);
}
