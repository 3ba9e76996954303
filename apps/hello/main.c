/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

int main(void)
{
    printf("Hello from Pith, a library OS.\n");
    return 0;
}
