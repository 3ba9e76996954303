/* SPDX-License-Identifier: BSD-2-Clause */
/* jrand48(): from -2^31 to 2^31 (POSIX); newlib's has no sign. */
#define _XOPEN_SOURCE 700
#include <stdint.h>
#include <stdlib.h>

long jrand48(unsigned short state[3])
{
    (void)nrand48(state);
    return (int32_t)((uint32_t)state[2] << 16 | state[1]);
}
