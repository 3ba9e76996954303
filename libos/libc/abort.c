/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ends that are the program's own verdict: abort() and a failed assert().
 *
 * Each gives a crash report with the caller's stack, and the host sees a crash, not a status.
 */
#include <assert.h>
#include <signal.h>
#include <stdlib.h>

#include <pith/panic.h>

_Noreturn void abort(void)
{
    raise(SIGABRT);
    /* A handler returned, or the signal is ignored: abort() ends the program all the same. */
    PANIC("abort() called");
}

_Noreturn void __assert_func(const char *file, int line, const char *function, const char *expr)
{
    panic_at(file, line, "assertion failed: %s%s%s", expr, function != NULL ? ", in " : "",
             function != NULL ? function : "");
}
