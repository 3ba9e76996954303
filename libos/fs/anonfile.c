/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files without a name have in common. */
#include <pith/anonfile.h>

#include <sys/stat.h>

/* Linux fs/anon_inodes.c: one inode for all of them, of no type, with mode 0600. */
int anonfile_fstat(struct file *f, struct stat *st)
{
    (void)f;
    st->st_mode = S_IRUSR | S_IWUSR;
    st->st_nlink = 1;
    st->st_blksize = 4096;
    return 0;
}
