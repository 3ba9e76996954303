/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses to text: inet_ntop (IPv6 as RFC 5952 writes it) and inet_ntoa. */
#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define V6_GROUPS 8

static char *put_decimal(char *p, unsigned value)
{
    if (value >= 100) {
        *p++ = (char)('0' + value / 100);
    }
    if (value >= 10) {
        *p++ = (char)('0' + value / 10 % 10);
    }
    *p++ = (char)('0' + value % 10);
    return p;
}

static char *put_v4(char *p, const uint8_t addr[4])
{
    for (int i = 0; i < 4; i++) {
        if (i > 0) {
            *p++ = '.';
        }
        p = put_decimal(p, addr[i]);
    }
    return p;
}

static char *put_group(char *p, unsigned value)
{
    for (int shift = 12; shift >= 0; shift -= 4) {
        if (value >> shift != 0 || shift == 0) {
            *p++ = "0123456789abcdef"[value >> shift & 15];
        }
    }
    return p;
}

/* The longest run of at least two zero groups, the first of equals: its begin in *at; its length or 0. */
static int longest_zeros(const unsigned groups[V6_GROUPS], int *at)
{
    int best = 1;
    *at = -1;
    for (int i = 0; i < V6_GROUPS;) {
        int n = 0;
        while (i + n < V6_GROUPS && groups[i + n] == 0) {
            n++;
        }
        if (n > best) {
            best = n;
            *at = i;
        }
        i += n + 1;
    }
    return *at < 0 ? 0 : best;
}

static char *put_v6(char *p, const uint8_t addr[16])
{
    unsigned groups[V6_GROUPS];
    for (int i = 0; i < V6_GROUPS; i++) {
        groups[i] = (unsigned)addr[2 * i] << 8 | addr[2 * i + 1];
    }
    int zeros_at;
    int zeros = longest_zeros(groups, &zeros_at);
    for (int i = 0; i < V6_GROUPS; i++) {
        if (i == zeros_at) {
            *p++ = ':';
            i += zeros - 1;
            if (i == V6_GROUPS - 1) {
                *p++ = ':';
            }
            continue;
        }
        if (i > 0) {
            *p++ = ':';
        }
        /* ::a.b.c.d and ::ffff:a.b.c.d (RFC 4291, 2.5.5) */
        if (i == 6 && zeros_at == 0 && (zeros == 6 || (zeros == 5 && groups[5] == 0xffff))) {
            return put_v4(p, addr + 12);
        }
        p = put_group(p, groups[i]);
    }
    return p;
}

const char *inet_ntop(int family, const void *__restrict addr, char *__restrict out, socklen_t size)
{
    char text[INET6_ADDRSTRLEN];
    char *end;
    if (family == AF_INET) {
        end = put_v4(text, addr);
    } else if (family == AF_INET6) {
        end = put_v6(text, addr);
    } else {
        errno = EAFNOSUPPORT;
        return NULL;
    }
    *end++ = '\0';
    if ((size_t)(end - text) > size) {
        errno = ENOSPC;
        return NULL;
    }
    return memcpy(out, text, (size_t)(end - text));
}

/* The result is this thread's, until its next call. */
char *inet_ntoa(struct in_addr addr)
{
    static _Thread_local char text[INET_ADDRSTRLEN];
    *put_v4(text, (const uint8_t *)&addr.s_addr) = '\0';
    return text;
}
