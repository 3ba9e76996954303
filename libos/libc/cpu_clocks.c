/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks of CPU time: there is the process's, by clock.c, and none for each thread. */
#include <errno.h>
#include <pthread.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

int clock_getcpuclockid(pid_t pid, clockid_t *clock)
{
    if (pid != 0 && pid != getpid()) {
        return ESRCH;
    }
    *clock = CLOCK_PROCESS_CPUTIME_ID;
    return 0;
}

/* Linux's answer where it keeps no such time. */
int pthread_getcpuclockid(pthread_t thread, clockid_t *clock)
{
    (void)thread;
    (void)clock;
    return ENOENT;
}
