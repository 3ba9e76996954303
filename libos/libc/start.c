/* SPDX-License-Identifier: BSD-2-Clause */
/* From the machine to main(): constructors, arguments, environment. */
#define _GNU_SOURCE /* program_invocation_name */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
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

/* What messages begin with: the first argument, without its folders. */
static void name_program(char **argv)
{
    if (argv[0] != NULL) {
        const char *slash = strrchr(argv[0], '/');
        program_invocation_name = argv[0];
        program_invocation_short_name = slash != NULL ? (char *)slash + 1 : argv[0];
    }
}

_Noreturn void libc_start(void)
{
    thread_data()->of_program = true;
    environ = cmdline_environ();
    name_program(cmdline_argv());
    for (array_function *const *f = __init_array_start; f != __init_array_end; f++) {
        (*f)();
    }
    exit(main(cmdline_argc(), cmdline_argv(), environ));
}
