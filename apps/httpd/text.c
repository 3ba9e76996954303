/* SPDX-License-Identifier: BSD-2-Clause */
/* Text that grows. A piece that does not fit is left out as a whole. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 4096u

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

void text_add(struct text *t, const char *s)
{
    size_t n = strlen(s);
    if (reserve(t, n)) {
        memcpy(t->p + t->len, s, n + 1);
        t->len += n;
    }
}

void text_printf(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = reserve(t, 0) ? vsnprintf(t->p + t->len, t->cap - t->len, format, args) : -1;
    va_end(args);
    if (n >= 0 && (size_t)n >= t->cap - t->len && reserve(t, (size_t)n)) {
        va_start(args, format);
        n = vsnprintf(t->p + t->len, t->cap - t->len, format, args);
        va_end(args);
    }
    if (n < 0 || t->failed) {
        t->failed = true;
        if (t->p != NULL && t->len < t->cap) {
            t->p[t->len] = '\0';
        }
        return;
    }
    t->len += (size_t)n;
}
