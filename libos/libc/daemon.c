/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon(): there is no terminal to leave. */
#define _DEFAULT_SOURCE
#include <unistd.h>

#include "process_refuse.h"

int daemon(int nochdir, int noclose)
{
    static bool told; /* atomic */
    (void)nochdir;
    (void)noclose;
    return process_refuse("daemon", "stay in the foreground", &told);
}
