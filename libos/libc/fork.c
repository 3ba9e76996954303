/* SPDX-License-Identifier: BSD-2-Clause */
/* fork(): an address space is not copied. */
#include <unistd.h>

#include "process_refuse.h"

static int refuse(const char *call)
{
    static bool told; /* atomic */
    return process_refuse(call, "a thread, or the program's option for one process", &told);
}

pid_t fork(void)
{
    return refuse("fork");
}

pid_t vfork(void)
{
    return refuse("vfork");
}
