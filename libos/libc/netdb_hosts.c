/* SPDX-License-Identifier: BSD-2-Clause */
/* The form of /etc/hosts (hosts(5)): per line an address and its names; `#` begins a remark. */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "netdb_impl.h"

#define WORD_MAX DNS_NAME_MAX

/* A word of a line; false at the line's end. One that is too long comes as "". */
static bool next_word(const char **p, const char *end, char word[WORD_MAX])
{
    while (*p < end && (**p == ' ' || **p == '\t' || **p == '\r')) {
        (*p)++;
    }
    const char *begin = *p;
    while (*p < end && strchr(" \t\r\n#", **p) == NULL) {
        (*p)++;
    }
    size_t len = (size_t)(*p - begin);
    if (len == 0) {
        return false;
    }
    memcpy(word, begin, len < WORD_MAX ? len : 0);
    word[len < WORD_MAX ? len : 0] = '\0';
    return true;
}

/* Behind the next newline. */
static const char *next_line(const char *p, const char *end)
{
    const char *newline = memchr(p, '\n', (size_t)(end - p));
    return newline == NULL ? end : newline + 1;
}

void netdb_add(struct netdb_host *host, int family, const void *bytes, uint32_t scope)
{
    if (host->count < NETDB_MAX_ADDRS) {
        struct netdb_addr *a = &host->addr[host->count++];
        memset(a, 0, sizeof(*a));
        a->family = family;
        a->scope = scope;
        memcpy(a->bytes, bytes, netdb_addr_len(family));
    }
}

bool hosts_find_name(const char *text, size_t len, const char *name, int family,
                     struct netdb_host *out)
{
    const char *end = text + len;
    char word[WORD_MAX], first[WORD_MAX];
    struct netdb_host addr;
    for (const char *p = text; p < end; p = next_line(p, end)) {
        if (!next_word(&p, end, word) || !netdb_literal(word, &addr)) {
            continue;
        }
        for (bool is_first = true; next_word(&p, end, word); is_first = false) {
            if (is_first) {
                strcpy(first, word);
            }
            if (strcasecmp(word, name) == 0) {
                if (out->count == 0) {
                    strcpy(out->name, first);
                }
                if (family == AF_UNSPEC || family == addr.addr[0].family) {
                    netdb_add(out, addr.addr[0].family, addr.addr[0].bytes, addr.addr[0].scope);
                }
                break;
            }
        }
    }
    return out->count > 0;
}

bool hosts_find_addr(const char *text, size_t len, const struct netdb_addr *addr,
                     char name[DNS_NAME_MAX])
{
    const char *end = text + len;
    char word[WORD_MAX];
    struct netdb_host found;
    for (const char *p = text; p < end; p = next_line(p, end)) {
        if (next_word(&p, end, word) && netdb_literal(word, &found) &&
            found.addr[0].family == addr->family &&
            memcmp(found.addr[0].bytes, addr->bytes, netdb_addr_len(addr->family)) == 0 &&
            next_word(&p, end, name) && name[0] != '\0') {
            return true;
        }
    }
    return false;
}
