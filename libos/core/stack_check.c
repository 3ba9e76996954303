/* SPDX-License-Identifier: BSD-2-Clause */
/* What functions call whose canary was overwritten (GCC, -fstack-protector). */
#include <pith/panic.h>
#include <pith/thread.h>

_Noreturn void __stack_chk_fail(void);

_Noreturn void __stack_chk_fail(void)
{
    struct thread *t = thread_current();

    PANIC("a buffer on the stack of thread \"%s\" was overrun: the canary has changed",
          t != NULL ? thread_name(t) : "boot");
}
