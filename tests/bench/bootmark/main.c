/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Says when main began: the wall clock, which on Xen is dom0's, too, and the time since the boot.
 * `pith bench boot` compares the former with the moment at which the machine was let go.
 */
#include <stdio.h>
#include <time.h>

int main(void)
{
    struct timespec wall, boot;

    if (clock_gettime(CLOCK_REALTIME, &wall) != 0 || clock_gettime(CLOCK_MONOTONIC, &boot) != 0) {
        return 1;
    }
    return printf("mark %lld%09ld %lld%09ld\n", (long long)wall.tv_sec, wall.tv_nsec,
                  (long long)boot.tv_sec, boot.tv_nsec) < 0;
}
