/* SPDX-License-Identifier: BSD-2-Clause */
/* <sched.h>: one policy, SCHED_OTHER, without priorities, on all CPUs that there are. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include <pith/percpu.h>
#include <pith/platform.h>

#include "result.h"

#define RT_PRIORITY_MIN 1 /* as on Linux, where programs look for the range */
#define RT_PRIORITY_MAX 99
#define SLICE_NS        10000000

static bool is_real_time(int policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool is_known(int policy)
{
    return is_real_time(policy) || policy == SCHED_OTHER || policy == SCHED_BATCH ||
           policy == SCHED_IDLE;
}

/* Errors: -EINVAL, -ESRCH. */
static int check_process(pid_t pid)
{
    return pid < 0 ? -EINVAL : pid != 0 && pid != getpid() ? -ESRCH : 0;
}

int sched_get_priority_max(int policy)
{
    return is_known(policy) ? is_real_time(policy) ? RT_PRIORITY_MAX : 0
                            : (int)libc_result(-EINVAL);
}

int sched_get_priority_min(int policy)
{
    return is_known(policy) ? is_real_time(policy) ? RT_PRIORITY_MIN : 0
                            : (int)libc_result(-EINVAL);
}

int sched_getscheduler(pid_t pid)
{
    int r = check_process(pid);
    return r == 0 ? SCHED_OTHER : (int)libc_result(r);
}

int sched_getparam(pid_t pid, struct sched_param *param)
{
    int r = param == NULL ? -EINVAL : check_process(pid);
    if (r == 0) {
        param->sched_priority = 0;
    }
    return (int)libc_result(r);
}

int sched_setscheduler(pid_t pid, int policy, const struct sched_param *param)
{
    int r = param == NULL || !is_known(policy) ? -EINVAL : check_process(pid);
    if (r == 0 && is_real_time(policy)) {
        bool fits = param->sched_priority >= RT_PRIORITY_MIN &&
                    param->sched_priority <= RT_PRIORITY_MAX;
        r = fits ? -EPERM : -EINVAL;
    } else if (r == 0 && param->sched_priority != 0) {
        r = -EINVAL;
    }
    return (int)libc_result(r);
}

int sched_setparam(pid_t pid, const struct sched_param *param)
{
    return sched_setscheduler(pid, SCHED_OTHER, param);
}

int sched_rr_get_interval(pid_t pid, struct timespec *interval)
{
    int r = check_process(pid);
    if (r == 0) {
        *interval = (struct timespec){ 0, SLICE_NS };
    }
    return (int)libc_result(r);
}

/* The smallest set is of 64 CPUs, as with Linux's NR_CPUS of 64 or less. */
int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
    int r = check_process(pid);
    r = r == -EINVAL ? -ESRCH : r;
    if (r == 0 && (size < sizeof(unsigned long) || size % sizeof(unsigned long) != 0)) {
        r = -EINVAL;
    }
    if (r == 0) {
        CPU_ZERO_S(size, set);
        for (unsigned cpu = 0; cpu < platform_cpu_count(); cpu++) {
            CPU_SET_S(cpu, size, set);
        }
    }
    return (int)libc_result(r);
}

int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
    int r = check_process(pid);
    bool any = false;
    size_t whole = size / sizeof(unsigned long) * sizeof(unsigned long);
    for (unsigned cpu = 0; cpu < platform_cpu_count(); cpu++) {
        any |= CPU_ISSET_S(cpu, whole, set);
    }
    r = r == -EINVAL ? -ESRCH : r;
    return (int)libc_result(r == 0 && !any ? -EINVAL : r);
}

int sched_getcpu(void)
{
    return (int)percpu_this()->id;
}
