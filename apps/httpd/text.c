/* SPDX-License-Identifier: BSD-2-Clause */
/* Text that grows. A piece that does not fit is left out, and the text counts as failed. */
#include "text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_CAP   4096u
#define MESSAGE_MAX 512u
#define DIGITS_MAX  20u /* of 2^64 */

void text_fixed(struct text *t, char *p, size_t cap)
{
    *t = (struct text){ .p = p, .cap = cap };
    p[0] = '\0';
}

void text_heap(struct text *t, size_t limit)
{
    *t = (struct text){ .limit = limit };
}

/* Have room for n more bytes and the zero. */
static bool reserve(struct text *t, size_t n)
{
    size_t need = t->len + n + 1;
    if (t->failed || need <= t->cap) {
        return !t->failed;
    }
    size_t cap = t->cap == 0 ? FIRST_CAP : t->cap;
    while (cap < need && cap <= t->limit) {
        cap *= 2;
    }
    char *p = need <= t->limit ? realloc(t->p, cap < t->limit ? cap : t->limit) : NULL;
    if (p == NULL) {
        t->failed = true;
        return false;
    }
    t->p = p;
    t->cap = cap < t->limit ? cap : t->limit;
    return true;
}

static void add(struct text *t, const char *s, size_t n)
{
    if (reserve(t, n)) {
        memcpy(t->p + t->len, s, n);
        t->len += n;
        t->p[t->len] = '\0';
    }
}

void text_add(struct text *t, const char *s)
{
    add(t, s, strlen(s));
}

void text_add_bytes(struct text *t, const void *p, size_t n)
{
    if (n > 0) {
        add(t, p, n);
    }
}

/* One conversion as it is written: %[0][width][.*][l|ll|z]letter. */
struct conversion {
    bool zeros, is_long;
    unsigned width;
    size_t precision; /* of a string; SIZE_MAX: none */
};

static void add_number(struct text *t, const struct conversion *c, uint64_t v, bool negative,
                       unsigned base)
{
    char digits[DIGITS_MAX + 1];
    size_t at = sizeof(digits);
    do {
        digits[--at] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v != 0);
    if (negative) {
        digits[--at] = '-';
    }
    for (size_t n = sizeof(digits) - at; n < c->width; n++) {
        add(t, c->zeros ? "0" : " ", 1);
    }
    add(t, digits + at, sizeof(digits) - at);
}

static const char *read_conversion(struct conversion *c, const char *f, va_list args)
{
    *c = (struct conversion){ .precision = SIZE_MAX };
    for (c->zeros = *f == '0'; *f >= '0' && *f <= '9'; f++) {
        c->width = c->width * 10 + (unsigned)(*f - '0');
    }
    if (f[0] == '.' && f[1] == '*') {
        c->precision = (size_t)va_arg(args, int);
        f += 2;
    }
    for (; *f == 'l' || *f == 'z'; f++) {
        c->is_long = true; /* all of them have 64 bits */
    }
    return f;
}

static void add_formatted(struct text *t, const char *f, va_list args)
{
    while (*f != '\0') {
        size_t plain = strcspn(f, "%");
        add(t, f, plain);
        f += plain;
        if (*f == '\0') {
            break;
        }
        struct conversion c;
        f = read_conversion(&c, f + 1, args);
        if (*f == 's') {
            const char *s = va_arg(args, const char *);
            add(t, s, c.precision == SIZE_MAX ? strlen(s) : strnlen(s, c.precision));
        } else if (*f == 'c') {
            char one = (char)va_arg(args, int);
            add(t, &one, 1);
        } else if (*f == 'd') {
            long v = c.is_long ? va_arg(args, long) : va_arg(args, int);
            add_number(t, &c, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0, 10);
        } else if (*f == 'u' || *f == 'x') {
            uint64_t v = c.is_long ? va_arg(args, unsigned long) : va_arg(args, unsigned);
            add_number(t, &c, v, false, *f == 'u' ? 10 : 16);
        } else {
            t->failed = true; /* a conversion that isn't written above */
            return;
        }
        f++;
    }
}

void text_printf(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_formatted(t, format, args);
    va_end(args);
}

void text_say(const char *format, ...)
{
    char line[MESSAGE_MAX];
    struct text t;
    va_list args;
    text_fixed(&t, line, sizeof(line));
    text_printf(&t, "%s: ", text_program);
    va_start(args, format);
    add_formatted(&t, format, args);
    va_end(args);
    t.failed = false;
    text_add(&t, "\n");
    if (write(STDERR_FILENO, t.p, t.len) < 0) {
        return; /* there is nobody left to tell */
    }
}
