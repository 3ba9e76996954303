/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The address of errno, for code compiled with a header that spells it so (newlib's glob and
 * hash).
 */
#include <errno.h>

int *__errno(void);

int *__errno(void)
{
    return &errno;
}
