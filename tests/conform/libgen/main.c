/* SPDX-License-Identifier: BSD-2-Clause */
/* The two halves of a path. */
#include "../conform.h"

#include <libgen.h>

int main(void)
{
    static const char *const paths[] = {
        "", ".", "..", "/", "usr", "/usr", "usr/", "/usr/", "/usr/lib", "usr/lib", "usr/lib/", "/usr/lib/", "/usr//lib",
        "/usr/lib//", "usr//", "./a", "../a", "a/.", "a/..", "/usr/lib/libc.so", "a//b//c",
    };
    char text[64];
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        strcpy(text, paths[i]);
        printf("dirname(\"%s\") = \"%s\"\n", paths[i], dirname(text));
        strcpy(text, paths[i]);
        printf("basename(\"%s\") = \"%s\"\n", paths[i], basename(text));
    }
    printf("of NULL: \"%s\" \"%s\"\n", dirname(NULL), basename(NULL));
    return end();
}
