/* SPDX-License-Identifier: BSD-2-Clause */
/* Small questions about the process, its terminal and its machine, which older programs ask. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "result.h"

#define TERMINAL "/dev/tty"

/* The process leads its session, so it stays in its group (setpgid(2): EPERM). */
int setpgrp(void)
{
    return setpgid(0, 0);
}

char *ctermid(char *to)
{
    static char terminal[] = TERMINAL;
    return to != NULL ? strcpy(to, terminal) : terminal;
}

/* The only group there is. */
int group_member(gid_t gid)
{
    return gid == getegid();
}

/* A link's mode means nothing and can't be changed; that of anything else can. */
int lchmod(const char *path, mode_t mode)
{
    struct stat st;
    if (lstat(path, &st) != 0) {
        return -1;
    }
    return S_ISLNK(st.st_mode) ? (int)libc_result(-EOPNOTSUPP) : chmod(path, mode);
}
