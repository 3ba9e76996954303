/* SPDX-License-Identifier: BSD-2-Clause */
/* sync(): all file systems that keep something. Apart from vfs.c, so that it does not pull that. */
#include "vfs.h"

struct mount *vfs_mounts;

int fs_sync(void)
{
    int r = 0;
    for (struct mount *m = __atomic_load_n(&vfs_mounts, __ATOMIC_ACQUIRE); m != NULL; m = m->next) {
        int one = m->sync != NULL ? m->sync(m) : 0;
        r = r != 0 ? r : one;
    }
    return r;
}
