/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How calls about other processes answer: there are none, and one address space can't have any.
 * Each kind of call is a member of its own, because programs bring functions of these names.
 */
#pragma once

#include <stdbool.h>

#include <pith/log.h>

#include "result.h"

/* -1 with ENOSYS; the first time, `told` is the kind's, the log says what to do instead. */
static inline int process_refuse(const char *call, const char *instead, bool *told)
{
    if (!__atomic_exchange_n(told, true, __ATOMIC_RELAXED)) {
        klog(LOG_WARNING, "%s(): there is one program in an image; instead: %s", call, instead);
    }
    return (int)libc_result(-ENOSYS);
}
