/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses from text: inet_pton (POSIX; RFC 4291, 2.2 for IPv6) and the older inet_aton family. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define V6_BYTES 16

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "a.b.c.d": four decimal numbers without leading zeros, and nothing behind them. */
static bool v4_from_text(const char *s, uint8_t out[4])
{
    uint8_t tmp[4];
    for (int i = 0; i < 4; i++) {
        unsigned value = 0;
        int digits = 0;
        for (; *s >= '0' && *s <= '9'; s++) {
            value = value * 10 + (unsigned)(*s - '0');
            if (++digits > 3 || value > 255 || (digits > 1 && value < 10)) {
                return false;
            }
        }
        if (digits == 0 || *s != (i < 3 ? '.' : '\0')) {
            return false;
        }
        s++;
        tmp[i] = (uint8_t)value;
    }
    memcpy(out, tmp, sizeof(tmp));
    return true;
}

/* Up to four hex digits at *s; the number, or -1 when there is none or one too long. */
static int group(const char **s)
{
    int value = 0;
    int digits = 0;
    for (int d; (d = hex_digit(**s)) >= 0; (*s)++) {
        if (++digits > 4) {
            return -1;
        }
        value = value << 4 | d;
    }
    return digits == 0 ? -1 : value;
}

/* Eight groups; one "::" stands for at least one group of zeros; the last two may be an IPv4 address. */
static bool v6_from_text(const char *s, uint8_t out[V6_BYTES])
{
    uint8_t tmp[V6_BYTES] = {0};
    int at = 0;
    int gap = -1; /* where the zeros of "::" go */
    if (*s == ':') {
        if (*++s != ':') {
            return false;
        }
    }
    while (*s != '\0') {
        if (*s == ':' && gap < 0) {
            gap = at;
            if (*++s == '\0') {
                break;
            }
            continue;
        }
        const char *begin = s;
        int value = group(&s);
        if (*s == '.' && at <= V6_BYTES - 4 && v4_from_text(begin, tmp + at)) {
            at += 4;
            break;
        }
        if (value < 0 || at > V6_BYTES - 2) {
            return false;
        }
        tmp[at++] = (uint8_t)(value >> 8);
        tmp[at++] = (uint8_t)value;
        if (*s == ':' && *++s == '\0') {
            return false;
        }
        if (*s != '\0' && s[-1] != ':') {
            return false;
        }
    }
    if (gap >= 0 && at < V6_BYTES) {
        memmove(tmp + V6_BYTES - (at - gap), tmp + gap, (size_t)(at - gap));
        memset(tmp + gap, 0, (size_t)(V6_BYTES - at));
        at = V6_BYTES;
    } else if (gap >= 0) {
        return false;
    }
    if (at != V6_BYTES) {
        return false;
    }
    memcpy(out, tmp, V6_BYTES);
    return true;
}

int inet_pton(int family, const char *__restrict text, void *__restrict out)
{
    switch (family) {
    case AF_INET:
        return v4_from_text(text, out);
    case AF_INET6:
        return v6_from_text(text, out);
    default:
        errno = EAFNOSUPPORT;
        return -1;
    }
}

/* A number in C's notation at *s: decimal, 0 octal, 0x hex. False when it is none or above 32 bits. */
static bool c_number(const char **s, uint32_t *out)
{
    const char *p = *s;
    unsigned base = 10;
    uint64_t value = 0;
    if (*p == '0' && (p[1] == 'x' || p[1] == 'X')) {
        base = 16;
        p += 2;
        if (hex_digit(*p) < 0) {
            return false;
        }
    } else if (*p == '0') {
        base = 8;
    } else if (*p < '0' || *p > '9') {
        return false;
    }
    for (int d; (d = hex_digit(*p)) >= 0; p++) {
        value = value * base + (unsigned)d;
        if ((unsigned)d >= base || value > UINT32_MAX) {
            return false;
        }
    }
    *s = p;
    *out = (uint32_t)value;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Numbers with dots between them, at most four: how many, or 0. They end at a blank or the end. */
static int dotted(const char *s, uint32_t parts[4])
{
    for (int n = 0; n < 4;) {
        if (!c_number(&s, &parts[n])) {
            return 0;
        }
        n++;
        if (*s == '\0' || is_blank(*s)) {
            return n;
        }
        if (*s++ != '.') {
            return 0;
        }
    }
    return 0;
}

/* a, a.b, a.b.c or a.b.c.d; the last number fills all bytes that are left. */
int inet_aton(const char *text, struct in_addr *out)
{
    uint32_t parts[4];
    int n = dotted(text, parts);
    if (n == 0) {
        return 0;
    }
    uint32_t value = 0;
    for (int i = 0; i < n - 1; i++) {
        if (parts[i] > 255) {
            return 0;
        }
        value |= parts[i] << (24 - 8 * i);
    }
    if (n > 1 && parts[n - 1] >= 1ull << (8 * (5 - n))) {
        return 0;
    }
    if (out != NULL) {
        out->s_addr = htonl(value | parts[n - 1]);
    }
    return 1;
}

in_addr_t inet_addr(const char *text)
{
    struct in_addr addr;
    return inet_aton(text, &addr) ? addr.s_addr : INADDR_NONE;
}

/* As inet_addr(), in host order, and each number is one byte, however many there are. */
in_addr_t inet_network(const char *text)
{
    uint32_t parts[4];
    int n = dotted(text, parts);
    uint32_t value = 0;
    for (int i = 0; i < n; i++) {
        if (parts[i] > 255) {
            return INADDR_NONE;
        }
        value = value << 8 | parts[i];
    }
    return n == 0 ? INADDR_NONE : value;
}
