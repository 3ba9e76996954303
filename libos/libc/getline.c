/* SPDX-License-Identifier: BSD-2-Clause */
/* getline() and getdelim() by their POSIX names; newlib has them with underscores. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>

#include "result.h"

ssize_t getdelim(char **restrict line, size_t *restrict size, int delimiter, FILE *restrict stream)
{
    if (line == NULL || size == NULL) {
        return libc_result(-EINVAL);
    }
    return __getdelim(line, size, delimiter, stream);
}

ssize_t getline(char **restrict line, size_t *restrict size, FILE *restrict stream)
{
    return getdelim(line, size, '\n', stream);
}
