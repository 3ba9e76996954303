/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memcpy, memmove and memset of toolchain/string against a byte loop: every size up to 700, every
 * alignment, overlaps in both directions. The functions are renamed to pith_*, see run.sh.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search.h"

#define AREA 4096

void *pith_memcpy(void *to, const void *from, size_t size);
void *pith_memmove(void *to, const void *from, size_t size);
void *pith_memset(void *to, int byte, size_t size);

static unsigned char from[AREA], to[AREA], want[AREA];

static void fill(void)
{
    for (size_t i = 0; i < AREA; i++) {
        from[i] = (unsigned char)rand();
        to[i] = want[i] = (unsigned char)rand();
    }
}

static void compare(const char *function, const void *result, const void *expected, size_t size,
                    size_t a, size_t b)
{
    if (result != expected || memcmp(to, want, AREA) != 0) {
        printf("%s is wrong: size %zu, offsets %zu %zu\n", function, size, a, b);
        exit(1);
    }
}

static void test_copy_and_set(size_t size, size_t a, size_t b)
{
    unsigned char *target = to + 64 + b;

    for (size_t i = 0; i < size; i++) {
        want[64 + b + i] = from[64 + a + i];
    }
    compare("memcpy", pith_memcpy(target, from + 64 + a, size), target, size, a, b);
    for (size_t i = 0; i < size; i++) {
        want[64 + b + i] = (unsigned char)(a * 37);
    }
    /* Only the low byte of the value counts. */
    compare("memset", pith_memset(target, (int)(a * 37) | 0x100, size), target, size, a, b);
}

static void test_move(size_t size, size_t source, size_t target)
{
    unsigned char *copy = malloc(size + 1);
    for (size_t i = 0; i < size; i++) {
        copy[i] = to[source + i];
    }
    for (size_t i = 0; i < size; i++) {
        want[target + i] = copy[i];
    }
    free(copy);
    compare("memmove", pith_memmove(to + target, to + source, size), to + target, size, source,
            target);
}

int main(void)
{
    for (size_t size = 0; size < 700; size += size < 80 ? 1 : 7) {
        fill();
        for (size_t a = 0; a < 9; a++) {
            for (size_t b = 0; b < 9; b++) {
                test_copy_and_set(size, a, b);
            }
        }
    }
    for (size_t size = 0; size < 700; size += size < 80 ? 1 : 13) {
        fill();
        for (size_t distance = 0; distance < 300; distance += distance < 40 ? 1 : 17) {
            for (size_t a = 0; a < 8; a += 3) {
                test_move(size, 1024 + a, 1024 + a + distance);
                test_move(size, 1024 + a + distance, 1024 + a);
            }
        }
    }
    test_search();
    puts("string functions are right");
    return 0;
}
