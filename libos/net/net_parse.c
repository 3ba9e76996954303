/* SPDX-License-Identifier: BSD-2-Clause */
/* The network options of the command line: text to addresses and settings. */
#include "net_parse.h"

#include <errno.h>
#include <string.h>

/* A decimal number without sign or leading zeros, of `digits` digits at most; -1 if none. */
static long parse_number(const char **s, const char *end, unsigned digits)
{
    const char *start = *s;
    long v = 0;

    while (*s < end && **s >= '0' && **s <= '9') {
        v = v * 10 + (**s - '0');
        (*s)++;
        if ((size_t)(*s - start) > digits) {
            return -1;
        }
    }
    return *s == start || (*start == '0' && *s - start > 1) ? -1 : v;
}

static bool parse_v4(const char *s, const char *end, uint8_t out[4])
{
    for (unsigned i = 0; i < 4; i++) {
        if (i > 0 && (s == end || *s++ != '.')) {
            return false;
        }
        long v = parse_number(&s, end, 3);
        if (v < 0 || v > 255) {
            return false;
        }
        out[i] = (uint8_t)v;
    }
    return s == end;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One group of up to four hexadecimal digits; -1 if there is none. */
static long parse_group(const char **s, const char *end)
{
    long v = 0;
    unsigned n = 0;

    for (; *s < end && n <= 4 && hex_value(**s) >= 0; (*s)++, n++) {
        v = v << 4 | hex_value(**s);
    }
    return n == 0 || n > 4 ? -1 : v;
}

/* RFC 4291, 2.2: groups, at most one "::" for zeros, the last 32 bits maybe as IPv4. */
static bool parse_v6(const char *s, const char *end, uint8_t out[16])
{
    uint8_t bytes[16];
    unsigned n = 0;
    int gap = -1;

    if (end - s >= 2 && s[0] == ':' && s[1] == ':') {
        gap = 0;
        s += 2;
    }
    while (s < end) {
        const char *start = s;
        long group = parse_group(&s, end);
        if (s < end && *s == '.') {
            if (n > 12 || !parse_v4(start, end, bytes + n)) {
                return false;
            }
            n += 4;
            s = end;
            break;
        }
        if (group < 0 || n > 14) {
            return false;
        }
        bytes[n++] = (uint8_t)(group >> 8);
        bytes[n++] = (uint8_t)group;
        if (s == end) {
            break;
        }
        if (*s++ != ':' || s == end) {
            return false;
        }
        if (*s == ':') {
            if (gap >= 0) {
                return false;
            }
            gap = (int)n;
            s++;
        }
    }
    if (gap < 0 ? n != 16 : n > 14) {
        return false;
    }
    unsigned head = gap < 0 ? n : (unsigned)gap;
    memset(out, 0, 16);
    memcpy(out, bytes, head);
    memcpy(out + 16 - (n - head), bytes + head, n - head);
    return true;
}

bool net_parse_address(const char *s, size_t len, struct net_address *out)
{
    struct net_address a = { .v6 = memchr(s, ':', len) != NULL };

    if (!(a.v6 ? parse_v6(s, s + len, a.bytes) : parse_v4(s, s + len, a.bytes))) {
        return false;
    }
    *out = a;
    return true;
}

static const char *end_of_item(const char *s)
{
    const char *comma = strchr(s, ',');
    return comma != NULL ? comma : s + strlen(s);
}

static bool starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* One ",gw=...", ",dns=..." or ",mtu=..." from s to end. Returns what is wrong, or NULL. */
static const char *parse_item(const char *s, const char *end, bool v6, struct net_settings *set)
{
    if (starts(s, "gw=")) {
        if (!net_parse_address(s + 3, (size_t)(end - s - 3), &set->gateway) ||
            set->gateway.v6 != v6) {
            return "gw= wants an address of the same kind";
        }
        set->has_gateway = true;
        return NULL;
    }
    if (starts(s, "dns=")) {
        if (set->ndns == NET_MAX_DNS) {
            return "too many dns=";
        }
        return net_parse_address(s + 4, (size_t)(end - s - 4), &set->dns[set->ndns++])
                   ? NULL : "dns= wants an address";
    }
    if (starts(s, "mtu=")) {
        s += 4;
        long v = parse_number(&s, end, 5);
        if (s != end || v < (long)NET_MTU_MIN || v > 65521) {
            return "mtu= wants 576 to 65521";
        }
        set->mtu = (unsigned)v;
        return NULL;
    }
    return "only gw=, dns= and mtu= may follow";
}

int net_parse_settings(const char *s, bool v6, struct net_settings *out, const char **why)
{
    struct net_settings set = { .mode = NET_MODE_STATIC };
    const char *end = end_of_item(s);
    size_t len = (size_t)(end - s);
    const char *automatic = v6 ? "auto" : "dhcp";

    if (len == strlen(automatic) && starts(s, automatic)) {
        set.mode = NET_MODE_AUTO;
    } else if (len == 3 && starts(s, "off")) {
        set.mode = NET_MODE_OFF;
    } else {
        const char *slash = memchr(s, '/', len);
        if (slash == NULL) {
            *why = v6 ? "it is auto, off or ADDRESS/LENGTH" : "it is dhcp, off or ADDRESS/LENGTH";
            return -EINVAL;
        }
        const char *p = slash + 1;
        long bits = parse_number(&p, end, 3);
        if (!net_parse_address(s, (size_t)(slash - s), &set.address) || set.address.v6 != v6) {
            *why = "the address is none";
            return -EINVAL;
        }
        if (p != end || bits < 1 || (v6 ? bits != 64 : bits > 32)) {
            *why = v6 ? "the length after / has to be 64" : "the length after / is none";
            return -EINVAL;
        }
        set.prefix = (unsigned)bits;
    }
    while (*end == ',') {
        s = end + 1;
        end = end_of_item(s);
        *why = parse_item(s, end, v6, &set);
        if (*why != NULL) {
            return -EINVAL;
        }
        if (set.has_gateway && set.mode != NET_MODE_STATIC) {
            *why = "gw= belongs to an address";
            return -EINVAL;
        }
    }
    *out = set;
    return 0;
}

int net_parse_dns(const char *s, struct net_address list[NET_MAX_DNS], unsigned *n,
                  const char **why)
{
    for (;; s++) {
        const char *end = end_of_item(s);
        if (*n == NET_MAX_DNS) {
            *why = "too many addresses";
            return -EINVAL;
        }
        if (!net_parse_address(s, (size_t)(end - s), &list[*n])) {
            *why = "it is a list of addresses";
            return -EINVAL;
        }
        (*n)++;
        s = end;
        if (*s == '\0') {
            return 0;
        }
    }
}
