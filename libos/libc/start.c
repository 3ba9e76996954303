/* SPDX-License-Identifier: BSD-2-Clause */
/* From the machine to main(): constructors, arguments, environment. */
#include <stdlib.h>
#include <unistd.h>

#include <pith/cmdline.h>
#include <pith/libc.h>

#include "thread_data.h"

typedef void array_function(void);

/*
 * Bounds of the array that the compiler fills; from platform/x86/link.ld. exit() runs .fini_array.
 */
extern array_function *const __init_array_start[], *const __init_array_end[];

/* What C++ objects are registered under for destruction; one image is one object. */
extern void *const __dso_handle;
__attribute__((visibility("hidden"))) void *const __dso_handle = NULL;

extern int main(int argc, char **argv, char **envp);

_Noreturn void libc_start(void)
{
    thread_data()->of_program = true;
    environ = cmdline_environ();
    for (array_function *const *f = __init_array_start; f != __init_array_end; f++) {
        (*f)();
    }
    exit(main(cmdline_argc(), cmdline_argv(), environ));
}
