/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's saved ids and its number of a thread: all of it is root's, see ids.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include <pith/thread.h>

#include "result.h"

int getresuid(uid_t *real, uid_t *effective, uid_t *saved)
{
    *real = *effective = *saved = 0;
    return 0;
}

int getresgid(gid_t *real, gid_t *effective, gid_t *saved)
{
    *real = *effective = *saved = 0;
    return 0;
}

/* The first thread has the process's number, as on Linux. */
pid_t gettid(void)
{
    return (pid_t)thread_id(thread_current());
}

static int only_root(const unsigned ids[3])
{
    for (int i = 0; i < 3; i++) {
        if (ids[i] != 0 && ids[i] != (unsigned)-1) {
            return -EPERM;
        }
    }
    return 0;
}

int setresuid(uid_t real, uid_t effective, uid_t saved)
{
    return (int)libc_result(only_root((unsigned[3]){ real, effective, saved }));
}

int setresgid(gid_t real, gid_t effective, gid_t saved)
{
    return (int)libc_result(only_root((unsigned[3]){ real, effective, saved }));
}
