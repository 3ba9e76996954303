/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limits of resources. They are kept and told; of them descriptors are bounded by what the table
 * holds, memory by the machine's, whatever is set below that.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>

#include <pith/file.h>
#include <pith/libc.h>

#include "result.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of `limits` */

#define NONE { RLIM_INFINITY, RLIM_INFINITY }
static struct rlimit limits[RLIM_NLIMITS] = {
    [RLIMIT_CPU] = NONE, [RLIMIT_FSIZE] = NONE, [RLIMIT_DATA] = NONE, [RLIMIT_STACK] = NONE,
    [RLIMIT_RSS] = NONE, [RLIMIT_MEMLOCK] = NONE, [RLIMIT_AS] = NONE, [RLIMIT_LOCKS] = NONE,
    [RLIMIT_SIGPENDING] = NONE, [RLIMIT_RTTIME] = NONE,
    [RLIMIT_NPROC] = { 1, 1 },
    [RLIMIT_NOFILE] = { FILE_MAX_FDS, FILE_MAX_FDS },
};

int getrlimit(int resource, struct rlimit *limit)
{
    if (resource < 0 || resource >= RLIM_NLIMITS) {
        return (int)libc_result(-EINVAL);
    }
    libc_mutex_lock(&lock);
    *limit = limits[resource];
    pthread_mutex_unlock(&lock);
    return 0;
}

int setrlimit(int resource, const struct rlimit *limit)
{
    if (resource < 0 || resource >= RLIM_NLIMITS || limit->rlim_cur > limit->rlim_max) {
        return (int)libc_result(-EINVAL);
    }
    int r = 0;
    libc_mutex_lock(&lock);
    if (limit->rlim_max > limits[resource].rlim_max) {
        r = -EPERM; /* the tables don't grow */
    } else {
        limits[resource] = *limit;
    }
    pthread_mutex_unlock(&lock);
    return (int)libc_result(r);
}
