/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's statfs(2): what <sys/statvfs.h> tells, in other words. */
#pragma once

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int __val[2];
} fsid_t;

struct statfs {
    long f_type;   /* that of a file system in memory, TMPFS_MAGIC, for all */
    long f_bsize;  /* of one block, in bytes; unit of the next three */
    fsblkcnt_t f_blocks;
    fsblkcnt_t f_bfree;
    fsblkcnt_t f_bavail;
    fsfilcnt_t f_files;
    fsfilcnt_t f_ffree;
    fsid_t f_fsid;
    long f_namelen;
    long f_frsize;
    long f_flags;  /* ST_* of <sys/statvfs.h> */
};

int statfs(const char *path, struct statfs *out);
int fstatfs(int fd, struct statfs *out);

#ifdef __cplusplus
}
#endif
