/* SPDX-License-Identifier: BSD-2-Clause */
/* Literal addresses as getaddrinfo() takes them: inet_aton()'s forms, IPv6 with "%interface". */
#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

#include "netdb_impl.h"

/* The number of a scope: an interface's name where the address is link-local, else digits. */
static bool scope_number(const char *text, const uint8_t addr[16], uint32_t *out)
{
    bool link_local = (addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80) ||
                      (addr[0] == 0xff && (addr[1] & 0x0f) == 2);
    uint64_t value = 0;
    *out = link_local ? if_nametoindex(text) : 0;
    if (*out != 0) {
        return true;
    }
    if (*text == '\0') {
        return false;
    }
    for (; *text >= '0' && *text <= '9' && value <= UINT32_MAX; text++) {
        value = value * 10 + (unsigned)(*text - '0');
    }
    *out = (uint32_t)value;
    return *text == '\0' && value <= UINT32_MAX;
}

bool netdb_literal(const char *name, struct netdb_host *out)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    uint8_t v6[16];
    uint32_t scope = 0;
    out->count = 0;
    out->literal = false;
    out->name[0] = '\0';
    if (inet_aton(name, &v4)) {
        netdb_add(out, AF_INET, &v4, 0);
    } else {
        size_t len = strcspn(name, "%");
        if (len >= sizeof(text)) {
            return false;
        }
        memcpy(text, name, len);
        text[len] = '\0';
        if (inet_pton(AF_INET6, text, v6) != 1 ||
            (name[len] == '%' && !scope_number(name + len + 1, v6, &scope))) {
            return false;
        }
        netdb_add(out, AF_INET6, v6, scope);
    }
    strlcpy(out->name, name, sizeof(out->name));
    out->literal = true;
    return true;
}
