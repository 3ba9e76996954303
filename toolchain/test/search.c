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
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096
#define MOST 300

void *pith_memchr(const void *s, int byte, size_t size);
int pith_memcmp(const void *one, const void *other, size_t size);
char *pith_strchr(const char *s, int byte);
int pith_strcmp(const char *one, const char *other);
void *pith_memrchr(const void *s, int byte, size_t size);
char *pith_stpcpy(char *to, const char *from);
int pith_strcasecmp(const char *one, const char *other);
char *pith_strcat(char *to, const char *from);
char *pith_strcpy(char *to, const char *from);
int pith_strncasecmp(const char *one, const char *other, size_t most);
int pith_strncmp(const char *one, const char *other, size_t most);
char *pith_strrchr(const char *s, int byte);
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
        if (pith_strrchr(s, 0xf0) != s + i || pith_memrchr(s, 0xf0, length) != s + i ||
            pith_memrchr(s, 0xf0, i) != NULL || pith_memrchr(s, 0xf0, i + 1) != s + i ||
            pith_memrchr(s + i, 0xf0, length - i) != s + i || pith_memrchr(s + i + 1, 0xf0, length - i) != NULL) {
            wrong("strrchr or memrchr", length, s);
        }
        char first = s[0];
        s[0] = (char)0xf0; /* not the last one, or it is the same */
        if (pith_strrchr(s, 0xf0) != s + i || pith_memrchr(s, 0xf0, length) != s + i) {
            wrong("strrchr or memrchr of two", length, s);
        }
        s[0] = first;
        s[i] = kept;
    }
    if ((uintptr_t)s % PAGE != 0) {
        char before = s[-1];
        s[-1] = 120; /* none of ours */
        if (pith_strrchr(s, 120) != NULL || pith_memrchr(s, 120, length + 1) != NULL) {
            wrong("strrchr or memrchr of what lies before", length, s);
        }
        s[-1] = before;
    }
    if (pith_strrchr(s, 0) != s + length || pith_strrchr(s, 120) != NULL || pith_memrchr(s, 120, length + 1) != NULL ||
        pith_memrchr(s, 0, length + 1) != s + length || pith_memrchr(s, s[0], 0) != NULL) {
        wrong("strrchr or memrchr of the end or nothing", length, s);
    }
}

/* Byte by byte, as the standard says it. */
static int slow_compare(const char *one, const char *other, size_t most, int (*fold)(int c))
{
    const unsigned char *a = (const unsigned char *)one, *b = (const unsigned char *)other;
    for (; most > 0; most--, a++, b++) {
        if (fold(*a) != fold(*b) || *a == '\0') {
            return fold(*a) - fold(*b);
        }
    }
    return 0;
}

static int itself(int c)
{
    return c;
}

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* Bounded comparisons and those without case, of two strings that are alike but for some bytes. */
static void compare_more(const char *a, const char *b, size_t length)
{
    const size_t bounds[] = { 0, 1, length / 2, length - (length > 0), length, length + 1, length + 40, SIZE_MAX };
    if (sign(pith_strcasecmp(a, b)) != sign(slow_compare(a, b, SIZE_MAX, lower))) {
        wrong("strcasecmp", length, a);
    }
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        if (sign(pith_strncmp(a, b, bounds[i])) != sign(slow_compare(a, b, bounds[i], itself))) {
            wrong("strncmp", length, a);
        }
        if (sign(pith_strncasecmp(a, b, bounds[i])) != sign(slow_compare(a, b, bounds[i], lower))) {
            wrong("strncasecmp", length, a);
        }
    }
}

/* Every byte beside every other one. */
static void all_bytes(char *a, char *b)
{
    memset(a, 'x', 24);
    memset(b, 'X', 24);
    a[22] = 'y'; /* so that it shows where a comparison ends too early */
    a[23] = b[23] = '\0';
    for (int x = 0; x < 256; x++) {
        for (int y = 0; y < 256; y++) {
            a[7] = (char)x;
            b[7] = (char)y;
            if (pith_strcasecmp(a, b) != slow_compare(a, b, SIZE_MAX, lower)) {
                wrong("strcasecmp of two bytes", (size_t)(x << 8 | y), a);
            }
        }
    }
}

static void copies(const char *from, char *to, size_t length)
{
    memset(to, 0x55, length + 2);
    if (pith_strcpy(to, from) != to || memcmp(to, from, length + 1) != 0 || to[length + 1] != 0x55) {
        wrong("strcpy", length, from);
    }
    memset(to, 0x55, length + 2);
    if (pith_stpcpy(to, from) != to + length || memcmp(to, from, length + 1) != 0 || to[length + 1] != 0x55) {
        wrong("stpcpy", length, from);
    }
    memset(to, 0x55, length + 2);
    to[length / 3] = '\0';
    if (pith_strcat(to, from + length / 3) != to || memcmp(to + length / 3, from + length / 3, length - length / 3 + 1) != 0 ||
        to[length + 1] != 0x55) {
        wrong("strcat", length, from);
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
    compare_more(a, b, length);
    for (size_t i = 0; i < length; i += 3) {
        a[i] = (char)(a[i] ^ 0x20); /* the other case, or another byte */
        compare_more(a, b, length);
        compare_more(b, a, length);
    }
    for (size_t i = 0; i < length; i += 3) {
        a[i] = b[i];
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
            compare_more(a, b, length);
            a[i] = (char)kept;
        }
    }
}

void test_search(void)
{
    char *a = pages(), *b = pages(), *to = pages();
    all_bytes(a, b);
    for (size_t length = 0; length < MOST; length++) {
        for (size_t offset = 0; offset < 130; offset++) {
            one_string(a + offset, length);
        }
        for (size_t offset = 0; offset < 20; offset++) {
            one_string(a + PAGE - length / 2 - offset, length);
            one_string(a + 2 * PAGE - length - 1 - offset, length);
            copies(a + 2 * PAGE - length - 1 - offset, to + 2 * PAGE - length - 2 - offset % 7, length);
        }
        for (size_t one = 0; one < 18; one++) {
            for (size_t other = 0; other < 18; other += 5) {
                two_strings(a + 2 * PAGE - length - 1 - one, b + other, length);
                two_strings(a + PAGE - length / 2 - one, b + 2 * PAGE - length - 1 - other, length);
            }
        }
    }
}
