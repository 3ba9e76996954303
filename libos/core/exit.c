/* SPDX-License-Identifier: BSD-2-Clause */
/* What the machine says to `pith run` on its console, and its end. */
#include <pith/exit.h>

#include <stddef.h>

#include <pith/cmdline.h>
#include <pith/irq.h>
#include <pith/log.h>
#include <pith/platform.h>

#include "cold.h"

#define NONCE_MAX    64
#define CRASH_STATUS 134 /* what a shell shows for a process that ended by SIGABRT */

COLD bool machine_tell(const char *what, const char *word)
{
    const char *nonce = cmdline_get("nonce");

    if (nonce == NULL || *nonce == '\0') {
        return false;
    }
    log_raw("\n[pith-%s %.*s %s]\n", what, NONCE_MAX, nonce, word);
    return true;
}

COLD _Noreturn void machine_exit(int status)
{
    char text[4];

    irq_save(); /* nothing may print after the last line */
    log_format(text, sizeof(text), "%u", (unsigned)status & 0xff);
    machine_tell("exit", text);
    platform_stop(PLATFORM_POWEROFF, status & 0xff);
}

static void (*exit_hooks[PROGRAM_EXIT_HOOKS])(void); /* atomic: whoever takes one runs it */

void program_add_exit_hook(void (*hook)(void))
{
    for (unsigned i = 0; i < PROGRAM_EXIT_HOOKS; i++) {
        void (*there)(void) = NULL;
        if (__atomic_compare_exchange_n(&exit_hooks[i], &there, hook, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE) || there == hook) {
            return;
        }
    }
}

static void (*last_hook)(void); /* atomic, as those */

void program_add_last_hook(void (*hook)(void))
{
    __atomic_store_n(&last_hook, hook, __ATOMIC_RELEASE);
}

COLD _Noreturn void program_exit(int status)
{
    for (unsigned i = 0; i < PROGRAM_EXIT_HOOKS; i++) {
        void (*hook)(void) = __atomic_exchange_n(&exit_hooks[i], NULL, __ATOMIC_ACQ_REL);
        if (hook != NULL) {
            hook();
        }
    }
    void (*last)(void) = __atomic_exchange_n(&last_hook, NULL, __ATOMIC_ACQ_REL);
    if (last != NULL) {
        last();
    }
    machine_exit(status);
}

COLD _Noreturn void machine_crash(void)
{
    irq_save();
    machine_tell("exit", "crash");
    platform_stop(PLATFORM_CRASH, CRASH_STATUS);
}
