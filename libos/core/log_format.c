/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The formatter of log lines and crash reports: a small printf without floating point, locale or
 * allocation. Pure code, so that it works in interrupts and with a broken machine.
 */
#include <pith/log.h>

#include <stdbool.h>
#include <stdint.h>

#include "cold.h"

struct output {
    char *buf;
    size_t size;
    size_t len; /* what was wanted so far */
};

struct spec {
    bool left;
    bool zero;
    int width;
    int precision; /* -1: none; of %s only */
    int longs;     /* 0 int, 1 and more 64 bits */
};

COLD static void put(struct output *out, char c)
{
    if (out->len + 1 < out->size) {
        out->buf[out->len] = c;
    }
    out->len++;
}

COLD static void put_field(struct output *out, const struct spec *spec, const char *s, int len)
{
    int pad = spec->width - len;

    for (; !spec->left && pad > 0; pad--) {
        put(out, ' ');
    }
    for (int i = 0; i < len; i++) {
        put(out, s[i]);
    }
    for (; pad > 0; pad--) {
        put(out, ' ');
    }
}

COLD static void put_string(struct output *out, const struct spec *spec, const char *s)
{
    int len = 0;

    if (s == NULL) {
        s = "(null)";
    }
    while ((spec->precision < 0 || len < spec->precision) && s[len] != '\0') {
        len++;
    }
    put_field(out, spec, s, len);
}

COLD static void put_number(struct output *out, const struct spec *spec, uint64_t v, unsigned base,
                       const char *prefix)
{
    char digits[24];
    int at = sizeof(digits);
    int npre = 0;

    do {
        digits[--at] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v != 0);
    while (prefix[npre] != '\0') {
        npre++;
    }
    if (spec->zero && !spec->left) {
        /* Zeros go between the sign and the digits. */
        int pad = spec->width - npre - ((int)sizeof(digits) - at);
        for (int i = 0; i < npre; i++) {
            put(out, prefix[i]);
        }
        for (; pad > 0; pad--) {
            put(out, '0');
        }
        struct spec plain = { .precision = -1 };
        put_field(out, &plain, &digits[at], (int)sizeof(digits) - at);
        return;
    }
    while (npre > 0) {
        digits[--at] = prefix[--npre];
    }
    put_field(out, spec, &digits[at], (int)sizeof(digits) - at);
}

COLD static int parse_count(const char **fmt, va_list *ap)
{
    int n = 0;

    if (**fmt == '*') {
        (*fmt)++;
        n = va_arg(*ap, int);
        return n < 0 ? 0 : n;
    }
    while (**fmt >= '0' && **fmt <= '9') {
        n = n < 10000 ? n * 10 + (**fmt - '0') : n;
        (*fmt)++;
    }
    return n;
}

COLD static const char *parse_spec(struct spec *spec, const char *fmt, va_list *ap)
{
    *spec = (struct spec){ .precision = -1 };
    for (;; fmt++) {
        if (*fmt == '-') {
            spec->left = true;
        } else if (*fmt == '0') {
            spec->zero = true;
        } else {
            break;
        }
    }
    spec->width = parse_count(&fmt, ap);
    if (*fmt == '.') {
        fmt++;
        spec->precision = parse_count(&fmt, ap);
    }
    while (*fmt == 'l' || *fmt == 'z') {
        spec->longs++;
        fmt++;
    }
    return fmt;
}

COLD static void convert(struct output *out, const struct spec *spec, char conversion, va_list *ap)
{
    uint64_t u;
    int64_t d;
    char c;

    switch (conversion) {
    case 'd':
        d = spec->longs ? va_arg(*ap, long) : va_arg(*ap, int);
        put_number(out, spec, d < 0 ? 0 - (uint64_t)d : (uint64_t)d, 10, d < 0 ? "-" : "");
        break;
    case 'u':
    case 'x':
        u = spec->longs ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned);
        put_number(out, spec, u, conversion == 'x' ? 16 : 10, "");
        break;
    case 'p':
        put_number(out, spec, (uintptr_t)va_arg(*ap, void *), 16, "0x");
        break;
    case 's':
        put_string(out, spec, va_arg(*ap, const char *));
        break;
    case 'c':
        c = (char)va_arg(*ap, int);
        put_field(out, spec, &c, 1);
        break;
    case '%':
        put(out, '%');
        break;
    default:
        /* Not ours: show it; its argument isn't consumed, since its type is unknown. */
        put(out, '%');
        put(out, conversion);
        break;
    }
}

COLD int log_vformat(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct output out = { buf, size, 0 };
    struct spec spec;
    va_list args;

    va_copy(args, ap);
    while (*fmt != '\0') {
        if (*fmt != '%') {
            put(&out, *fmt++);
            continue;
        }
        fmt = parse_spec(&spec, fmt + 1, &args);
        if (*fmt == '\0') {
            break;
        }
        convert(&out, &spec, *fmt++, &args);
    }
    va_end(args);
    if (size > 0) {
        buf[out.len < size ? out.len : size - 1] = '\0';
    }
    return (int)out.len;
}

COLD int log_format(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int len = log_vformat(buf, size, fmt, ap);
    va_end(ap);
    return len;
}
