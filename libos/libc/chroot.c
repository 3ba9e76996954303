/* SPDX-License-Identifier: BSD-2-Clause */
/* chroot(): there is one tree of names, whole. */
#define _DEFAULT_SOURCE
#include <unistd.h>

#include "process_refuse.h"

int chroot(const char *path)
{
    static bool told; /* atomic */
    (void)path;
    return process_refuse("chroot", "the program's option to go without; its files are all there are", &told);
}
