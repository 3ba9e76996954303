/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest that the tests of `pith` itself run: does what its arguments say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int copy_input(void)
{
    static char buf[4096];
    ssize_t n;
    while ((n = read(0, buf, sizeof(buf))) > 0) {
        for (ssize_t done = 0; done < n;) {
            ssize_t w = write(1, buf + done, (size_t)(n - done));
            if (w < 0) {
                return 1;
            }
            done += w;
        }
    }
    return n < 0;
}

/* Every byte value there is, then the lines that look like the end and are none. */
static int all_bytes(void)
{
    for (int i = 0; i < 256; i++) {
        putchar(i);
    }
    fputs("\n[pith-exit 0123456789abcdef 5]\n[pith-exit ", stdout);
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "exit") == 0 && argc == 3) {
        return atoi(argv[2]);
    }
    if (strcmp(what, "cat") == 0) {
        return copy_input();
    }
    if (strcmp(what, "bytes") == 0) {
        return all_bytes();
    }
    if (strcmp(what, "spin") == 0) {
        puts("spinning");
        fflush(stdout);
        for (;;) {
        }
    }
    if (strcmp(what, "env") == 0 && argc == 3) {
        const char *value = getenv(argv[2]);
        puts(value ? value : "(not set)");
        return 0;
    }
    if (strcmp(what, "envs") == 0) {
        for (int i = 2; i < argc; i++) {
            const char *value = getenv(argv[i]);
            printf("%s=[%s]\n", argv[i], value ? value : "(not set)");
        }
        return 0;
    }
    if (strcmp(what, "time") == 0) {
        printf("%lld\n", (long long)time(NULL));
        return 0;
    }
    if (strcmp(what, "abort") == 0) {
        abort();
    }
    if (strcmp(what, "null") == 0) {
        *(volatile int *)0 = 1;
    }
    if (strcmp(what, "args") == 0) {
        for (int i = 2; i < argc; i++) {
            printf("[%s]\n", argv[i]);
        }
        return 0;
    }
    fprintf(stderr, "what is '%s'?\n", what);
    return 99;
}
