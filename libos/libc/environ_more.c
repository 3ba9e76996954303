/* SPDX-License-Identifier: BSD-2-Clause */
/* clearenv(), secure_getenv(): nobody has more rights, whom the environment could deceive. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <unistd.h>

/* The array stays: newlib's setenv() goes on with it. */
int clearenv(void)
{
    if (environ != NULL) {
        environ[0] = NULL;
    }
    return 0;
}

char *secure_getenv(const char *name)
{
    return getenv(name);
}
