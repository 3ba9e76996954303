/* SPDX-License-Identifier: BSD-2-Clause */
/* glibc's names for realpath() and getcwd() with memory of their own. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <unistd.h>

char *canonicalize_file_name(const char *path)
{
    return realpath(path, NULL);
}

char *get_current_dir_name(void)
{
    return getcwd(NULL, 0);
}
