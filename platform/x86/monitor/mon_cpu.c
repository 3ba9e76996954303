/* SPDX-License-Identifier: BSD-2-Clause */
/* Preparing the start of another CPU. */
#include <errno.h>

#include <x86/mon.h>

#include "mon.h"

int64_t mon_cpu_prepare(const void *args)
{
    (void)args;
    return -ENOSYS;
}
