/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields of a query string. As the standard has it, a bad percent code stands for itself. */
#include "form.h"

static struct slice cut(struct slice *rest, char at)
{
    const char *end = rest->n > 0 ? memchr(rest->p, at, rest->n) : NULL;
    size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
    struct slice first = { rest->p, n };
    *rest = slice_skip(*rest, end != NULL ? n + 1 : n);
    return first;
}

bool form_next(struct slice *rest, struct slice *name, struct slice *value)
{
    while (rest->n > 0) {
        *value = cut(rest, '&');
        if (value->n > 0) {
            *name = cut(value, '=');
            return true;
        }
    }
    return false;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t form_decode(struct slice s, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int high = s.p[i] == '%' && i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;
        if (low >= 0) {
            out[n++] = (char)(high << 4 | low);
            i += 2;
        } else {
            out[n++] = s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    out[n] = '\0';
    return n;
}
