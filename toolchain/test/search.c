/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The string functions with vector registers of toolchain/string against loops over bytes: every length up to
 * 300, every alignment, everything that may end a search before, in and behind the bounds; at the end
 * of a page behind which there is none, and at the begin of one before which there is none.
 */
#include "search.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE 4096
#define MOST 300

void *pith_memchr(const void *s, int byte, size_t size);
int pith_memcmp(const void *one, const void *other, size_t size);
char *pith_strchr(const char *s, int byte);
int pith_strcmp(const char *one, const char *other);
size_t pith_strlen(const char *s);
size_t pith_strnlen(const char *s, size_t most);

static void wrong(const char *function, size_t length, const char *at)
{
    printf("%s is wrong: length %zu, %zu behind a page's begin\n", function, length, (size_t)((uintptr_t)at % PAGE));
    exit(1);
}

/* Two pages that can be used, with one on each side that can't. */
static char *pages(void)
{
    char *p = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE) != 0) {
        perror("mmap");
        exit(1);
    }
    return p + PAGE;
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

/* A string of that length at s, with room for a byte behind its end or none. */
static void one_string(char *s, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        s[i] = (char)(1 + (i * 7 + length) % 100);
    }
    s[length] = '\0';
    if (pith_strlen(s) != length) {
        wrong("strlen", length, s);
    }
    const size_t bounds[] = { 0, 1, length / 2, length, length + 1, length + 100, SIZE_MAX };
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        size_t want = bounds[i] < length ? bounds[i] : length;
        if (pith_strnlen(s, bounds[i]) != want) {
            wrong("strnlen", length, s);
        }
        if (pith_memchr(s, 0x100, bounds[i]) != (bounds[i] > length ? s + length : NULL)) {
            wrong("memchr of the end", length, s);
        }
    }
    if (pith_strchr(s, 0) != s + length || pith_strchr(s, 120) != NULL || pith_memchr(s, 120, length + 1) != NULL) {
        wrong("strchr or memchr of nothing", length, s);
    }
    for (size_t i = 0; i < length; i += 1 + length / 16) {
        char kept = s[i];
        s[i] = (char)0xf0;
        if (pith_strchr(s, 0xf0) != s + i || pith_strchr(s, (char)0xf0) != s + i) {
            wrong("strchr", length, s);
        }
        if (pith_memchr(s, 0xf0, length) != s + i || pith_memchr(s, 0xf0, i) != NULL ||
            pith_memchr(s, 0xf0, i + 1) != s + i || pith_memchr(s, 0xf0, SIZE_MAX) != s + i) {
            wrong("memchr", length, s);
        }
        s[i] = kept;
    }
}

/* Two strings of that length, equal, or different at one place in one way or the other. */
static void two_strings(char *a, char *b, size_t length)
{
    for (size_t i = 0; i <= length; i++) {
        a[i] = b[i] = (char)(i < length ? 1 + (i * 7) % 250 : 0);
    }
    if (pith_strcmp(a, b) != 0 || pith_memcmp(a, b, length + 1) != 0 || pith_memcmp(a, b, length) != 0) {
        wrong("comparing equals", length, a);
    }
    for (size_t i = 0; i < length; i += 1 + length / 8) {
        for (int to = 0; to < 256; to += 51) {
            unsigned char kept = (unsigned char)a[i];
            a[i] = (char)to;
            if (sign(pith_memcmp(a, b, length)) != sign(to - kept) ||
                sign(pith_strcmp(a, b)) != sign(to - kept) || sign(pith_strcmp(b, a)) != sign(kept - to)) {
                wrong("strcmp or memcmp", length, a);
            }
            if (pith_memcmp(a, b, i) != 0) {
                wrong("memcmp before it", length, a);
            }
            a[i] = (char)kept;
        }
    }
}

void test_search(void)
{
    char *a = pages(), *b = pages();
    for (size_t length = 0; length < MOST; length++) {
        for (size_t offset = 0; offset < 130; offset++) {
            one_string(a + offset, length);
        }
        for (size_t offset = 0; offset < 20; offset++) {
            one_string(a + PAGE - length / 2 - offset, length);
            one_string(a + 2 * PAGE - length - 1 - offset, length);
        }
        for (size_t one = 0; one < 18; one++) {
            for (size_t other = 0; other < 18; other += 5) {
                two_strings(a + 2 * PAGE - length - 1 - one, b + other, length);
                two_strings(a + PAGE - length / 2 - one, b + 2 * PAGE - length - 1 - other, length);
            }
        }
    }
}
