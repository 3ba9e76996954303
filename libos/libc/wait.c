/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for children, of which there are none. */
#include <errno.h>
#include <sys/wait.h>

#include "result.h"

pid_t wait(int *status)
{
    (void)status;
    return (pid_t)libc_result(-ECHILD);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
    (void)pid;
    (void)status;
    return (pid_t)libc_result(options & ~(WNOHANG | WUNTRACED) ? -EINVAL : -ECHILD);
}
