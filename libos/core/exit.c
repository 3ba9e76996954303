/* SPDX-License-Identifier: BSD-2-Clause */
/* The last line of the console and the end of the machine. */
#include <pith/exit.h>

#include <pith/cmdline.h>
#include <pith/irq.h>
#include <pith/log.h>
#include <pith/platform.h>

#include "cold.h"

#define NONCE_MAX    64
#define CRASH_STATUS 134 /* what a shell shows for a process that ended by SIGABRT */

COLD static void last_line(const char *status)
{
    const char *nonce = cmdline_get("nonce");

    if (nonce != NULL && *nonce != '\0') {
        log_raw("\n[pith-exit %.*s %s]\n", NONCE_MAX, nonce, status);
    }
}

COLD _Noreturn void machine_exit(int status)
{
    char text[4];

    irq_save(); /* nothing may print after the last line */
    log_format(text, sizeof(text), "%u", (unsigned)status & 0xff);
    last_line(text);
    platform_stop(PLATFORM_POWEROFF, status & 0xff);
}

COLD _Noreturn void machine_crash(void)
{
    irq_save();
    last_line("crash");
    platform_stop(PLATFORM_CRASH, CRASH_STATUS);
}
