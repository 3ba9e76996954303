/* SPDX-License-Identifier: BSD-2-Clause */
/* prctl(2): a thread's name; parents, dumps and privileges there are none, which is accepted. */
#define _GNU_SOURCE /* pthread_setname_np */
#include <sys/prctl.h>

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "result.h"

#define NAME_SIZE 16 /* Linux's TASK_COMM_LEN */

static int set_name(const char *name)
{
    char text[NAME_SIZE];
    strlcpy(text, name, sizeof(text));
    return -pthread_setname_np(pthread_self(), text);
}

int prctl(int option, ...)
{
    static bool undumpable; /* told again, nothing more; atomic */
    va_list ap;
    va_start(ap, option);
    unsigned long arg = va_arg(ap, unsigned long);
    va_end(ap);
    int r = 0;
    switch (option) {
    case PR_SET_NAME:
        r = set_name((const char *)arg);
        break;
    case PR_GET_NAME:
        r = -pthread_getname_np(pthread_self(), (char *)arg, NAME_SIZE);
        break;
    case PR_SET_DUMPABLE:
        r = arg <= 1 ? 0 : -EINVAL;
        if (r == 0) {
            __atomic_store_n(&undumpable, arg == 0, __ATOMIC_RELAXED);
        }
        break;
    case PR_GET_DUMPABLE:
        r = !__atomic_load_n(&undumpable, __ATOMIC_RELAXED);
        break;
    case PR_SET_PDEATHSIG:
    case PR_SET_KEEPCAPS:
    case PR_SET_NO_NEW_PRIVS:
    case PR_GET_KEEPCAPS:
    case PR_GET_NO_NEW_PRIVS:
        break;
    default:
        r = -EINVAL;
    }
    return (int)libc_result(r);
}
