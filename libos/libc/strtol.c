/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * strtol() and its kin: one reader of digits for all of them (C11 7.22.1.4). newlib's take "0x" before
 * no digit for nothing, where it is a zero, and the unsigned ones take any base.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

_Static_assert(sizeof(long) == 8 && sizeof(long long) == 8 && sizeof(intmax_t) == 8, "one reader");

struct number {
    unsigned long value; /* ULONG_MAX when it is larger */
    bool negative, large;
};

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'z' ? lower - 'a' + 10 : INT_MAX;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Errors: false with EINVAL, and then *end is not set. */
static bool read_number(const char *s, char **end, int base, struct number *out)
{
    const char *from = s;
    *out = (struct number){ .value = 0 };
    if (base < 0 || base == 1 || base > 36) {
        errno = EINVAL;
        return false;
    }
    while (is_space(*s)) {
        s++;
    }
    out->negative = *s == '-';
    s += *s == '-' || *s == '+';
    if ((base == 0 || base == 16) && s[0] == '0' && (s[1] | 0x20) == 'x' && digit_of(s[2]) < 16) {
        base = 16;
        s += 2;
    } else if (base == 0) {
        base = *s == '0' ? 8 : 10;
    }
    bool any = false;
    for (int digit; (digit = digit_of(*s)) < base; s++) {
        any = true;
        if (__builtin_mul_overflow(out->value, (unsigned long)base, &out->value) ||
            __builtin_add_overflow(out->value, (unsigned long)digit, &out->value)) {
            out->large = true;
        }
    }
    if (end != NULL) {
        *end = (char *)(uintptr_t)(any ? s : from);
    }
    return true;
}

long strtol(const char *restrict s, char **restrict end, int base)
{
    struct number n;
    if (!read_number(s, end, base, &n)) {
        return 0;
    }
    if (n.large || n.value > (unsigned long)LONG_MAX + n.negative) {
        errno = ERANGE;
        return n.negative ? LONG_MIN : LONG_MAX;
    }
    return n.negative ? (long)-n.value : (long)n.value;
}

unsigned long strtoul(const char *restrict s, char **restrict end, int base)
{
    struct number n;
    if (!read_number(s, end, base, &n)) {
        return 0;
    }
    if (n.large) {
        errno = ERANGE;
        return ULONG_MAX;
    }
    return n.negative ? -n.value : n.value;
}

long long strtoll(const char *restrict s, char **restrict end, int base)
{
    return strtol(s, end, base);
}

unsigned long long strtoull(const char *restrict s, char **restrict end, int base)
{
    return strtoul(s, end, base);
}

intmax_t strtoimax(const char *restrict s, char **restrict end, int base)
{
    return strtol(s, end, base);
}

uintmax_t strtoumax(const char *restrict s, char **restrict end, int base)
{
    return strtoul(s, end, base);
}
