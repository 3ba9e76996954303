/* SPDX-License-Identifier: BSD-2-Clause */
/* What `pith check` has to find: a fork, a call through a table, partial functions; and a name that only looks like one. */
#define _GNU_SOURCE
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int daemon(int nochdir, int noclose); /* the program's own, which works */

int daemon(int nochdir, int noclose)
{
    return nochdir + noclose;
}

static int (*const table[])(const char *) = {puts, system};

static void __attribute__((noinline)) save_in_background(void)
{
    if (fork() < 0) {
        perror("fork");
    }
}

int main(int argc, char **argv)
{
    (void)argv;
    setlocale(LC_ALL, "");
    save_in_background();
    return table[argc > 1]("done") < 0 || daemon(0, 0) != 0;
}
