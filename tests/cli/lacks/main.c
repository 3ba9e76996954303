/* SPDX-License-Identifier: BSD-2-Clause */
/* What can't be linked: a function of Linux that is absent, and one that nobody has. */
#include <unistd.h>

int inotify_init(void);
int function_of_nobody(int);

static int __attribute__((noinline)) watch(void)
{
    return inotify_init();
}

int main(void)
{
    return function_of_nobody(watch()) + getpagesize();
}
