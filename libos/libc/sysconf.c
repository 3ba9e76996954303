/* SPDX-License-Identifier: BSD-2-Clause */
/* What programs ask about the system: limits, options, memory, CPUs. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include <pith/file.h>
#include <pith/page.h>
#include <pith/platform.h>

#define CLOCK_TICKS 100 /* of times(); a number that programs expect, nothing ticks */

/* Pages in all, or free ones. */
static long pages(bool avail)
{
    struct page_stats stats;
    page_stats(&stats);
    return (long)(avail ? stats.free : stats.total);
}

long sysconf(int name)
{
    switch (name) {
    case _SC_PAGESIZE:
        return PAGE_SIZE;
    case _SC_CLK_TCK:
        return CLOCK_TICKS;
    case _SC_OPEN_MAX:
    case _SC_STREAM_MAX:
        return FILE_MAX_FDS;
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
        return platform_cpu_count();
    case _SC_PHYS_PAGES:
        return pages(false);
    case _SC_AVPHYS_PAGES:
        return pages(true);
    case _SC_THREAD_STACK_MIN:
        return PTHREAD_STACK_MIN;
    case _SC_THREAD_KEYS_MAX:
        return PTHREAD_KEYS_MAX;
    case _SC_THREAD_DESTRUCTOR_ITERATIONS:
        return PTHREAD_DESTRUCTOR_ITERATIONS;
    case _SC_SEM_VALUE_MAX:
        return SEM_VALUE_MAX;
    case _SC_IOV_MAX:
        return IOV_MAX;
    case _SC_ARG_MAX:
        return ARG_MAX;
    case _SC_HOST_NAME_MAX:
        return 64;
    case _SC_NGROUPS_MAX:
        return NGROUPS_MAX;
    case _SC_LOGIN_NAME_MAX:
        return 256;
    case _SC_TTY_NAME_MAX:
        return 32;
    case _SC_RTSIG_MAX:
        return SIGRTMAX - SIGRTMIN + 1;
    case _SC_DELAYTIMER_MAX:
    case _SC_ATEXIT_MAX:
        return INT_MAX;
    case _SC_LINE_MAX:
        return 2048;
    case _SC_BC_BASE_MAX:
        return 99;
    case _SC_RE_DUP_MAX:
        return 255;
    case _SC_LEVEL1_DCACHE_LINESIZE:
        return 64;
    case _SC_VERSION:
    case _SC_THREADS:
    case _SC_THREAD_SAFE_FUNCTIONS:
    case _SC_THREAD_ATTR_STACKADDR:
    case _SC_THREAD_ATTR_STACKSIZE:
    case _SC_TIMERS:
    case _SC_TIMEOUTS:
    case _SC_MONOTONIC_CLOCK:
    case _SC_CLOCK_SELECTION:
    case _SC_BARRIERS:
    case _SC_SPIN_LOCKS:
    case _SC_READER_WRITER_LOCKS:
    case _SC_SEMAPHORES:
    case _SC_FSYNC:
    case _SC_MAPPED_FILES:
    case _SC_MEMORY_PROTECTION:
    case _SC_REALTIME_SIGNALS:
    case _SC_CPUTIME:
    case _SC_IPV6:
        return _POSIX_VERSION;
    case _SC_REGEXP:
        return 1;
    case _SC_CHILD_MAX:
        return 0;
    case _SC_THREAD_THREADS_MAX:
    case _SC_JOB_CONTROL:
    case _SC_SAVED_IDS:
    case _SC_THREAD_PROCESS_SHARED:
    case _SC_TZNAME_MAX:
    case _SC_SYMLOOP_MAX:
        return -1; /* no limit, or an option that isn't there: errno stays */
    default:
        errno = EINVAL;
        return -1;
    }
}

int getpagesize(void)
{
    return PAGE_SIZE;
}

int getdtablesize(void)
{
    return FILE_MAX_FDS;
}
