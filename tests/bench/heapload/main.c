/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What malloc costs, in instructions under QEMU's `-icount shift=0`, and how much memory it holds for what is in
 * use: by sizes, with live sets, between threads, and over an hour of simulated traffic. The seconds of that
 * may be given as an argument.
 */
#include <stdio.h>
#include <stdlib.h>

#include "load.h"

int main(int argc, char **argv)
{
    /* The traffic first: what it takes from the machine is then all that it does take. */
    run_traffic(argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 3600);
    run_patterns();
    run_threads();
    puts("heap done");
    return 0;
}
