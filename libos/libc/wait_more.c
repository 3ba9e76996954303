/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's other ways to wait for children, of which there are none. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "result.h"

#define WAITID_KNOWN (WNOHANG | WSTOPPED | WEXITED | WCONTINUED | WNOWAIT)

int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    (void)info;
    if ((options & ~WAITID_KNOWN) || !(options & (WEXITED | WSTOPPED | WCONTINUED)) ||
        (int)type < P_ALL || type > P_PIDFD || (type == P_PID && (pid_t)id <= 0)) {
        return (int)libc_result(-EINVAL);
    }
    return (int)libc_result(type == P_PIDFD ? -EBADF : -ECHILD);
}

pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    (void)usage;
    return waitpid(pid, status, options);
}

pid_t wait3(int *status, int options, struct rusage *usage)
{
    return wait4(-1, status, options, usage);
}
