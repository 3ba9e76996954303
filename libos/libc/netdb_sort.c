/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of a host's addresses (RFC 6724, 6), by what this machine would send from: reachable ones
 * first (rule 1), those of the source's scope (2), of its label (5), by precedence (6), of smaller
 * scope (8). Rules 3, 4 and 7 are about things that are not here; 9 would defeat servers that rotate
 * their addresses, and the RFC leaves it to the implementation; 10: what is equal keeps its order.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netdb_impl.h"

struct candidate {
    struct netdb_addr addr;
    bool reachable;
    bool same_scope, same_label;
    int precedence, scope;
};

/* The default policy table (RFC 6724, 2.1); longer prefixes first. */
static const struct {
    uint8_t prefix[16];
    uint8_t bytes_len; /* of the prefix: whole bytes, */
    uint8_t bits;      /* and bits of the next one */
    uint8_t precedence, label;
} policies[] = {
    {{[15] = 1}, 16, 0, 50, 0},                      /* ::1/128 */
    {{[10] = 0xff, [11] = 0xff}, 12, 0, 35, 4},      /* ::ffff:0:0/96 */
    {{0}, 12, 0, 1, 3},                              /* ::/96 */
    {{0x20, 0x01, 0, 0}, 4, 0, 5, 5},                /* 2001::/32 */
    {{0x20, 0x02}, 2, 0, 30, 2},                     /* 2002::/16 */
    {{0x3f, 0xfe}, 2, 0, 1, 12},                     /* 3ffe::/16 */
    {{0xfe, 0xc0}, 1, 2, 1, 11},                     /* fec0::/10 */
    {{0xfc}, 0, 7, 3, 13},                           /* fc00::/7 */
    {{0}, 0, 0, 40, 1},                              /* ::/0 */
};

/* As IPv6: IPv4 addresses are in ::ffff:0:0/96. */
static void as_v6(const struct netdb_addr *a, uint8_t out[16])
{
    memset(out, 0, 16);
    if (a->family == AF_INET) {
        out[10] = out[11] = 0xff;
        memcpy(out + 12, a->bytes, 4);
    } else {
        memcpy(out, a->bytes, 16);
    }
}

static unsigned policy_of(const struct netdb_addr *a)
{
    uint8_t addr[16];
    unsigned i = 0;
    as_v6(a, addr);
    for (;; i++) {
        unsigned n = policies[i].bytes_len;
        uint8_t mask = (uint8_t)(0xff00u >> policies[i].bits);
        if (memcmp(addr, policies[i].prefix, n) == 0 &&
            (n == 16 || ((addr[n] ^ policies[i].prefix[n]) & mask) == 0)) {
            return i; /* the last one matches all */
        }
    }
}

/* RFC 6724, 3.1 and 3.2: 2 link-local, 5 site-local, 14 global; of multicast what it says. */
static int scope_of(const struct netdb_addr *a)
{
    const uint8_t *b = a->bytes;
    if (a->family == AF_INET) {
        return b[0] == 127 || (b[0] == 169 && b[1] == 254) ? 2 : 14;
    }
    if (b[0] == 0xff) {
        return b[1] & 15;
    }
    if ((b[0] == 0xfe && (b[1] & 0xc0) == 0x80) || policy_of(a) == 0) {
        return 2;
    }
    return b[0] == 0xfe && (b[1] & 0xc0) == 0xc0 ? 5 : 14;
}

/* The address that we would send from: the one that a connected UDP socket gets. */
static bool source_of(const struct netdb_addr *to, struct netdb_addr *from)
{
    struct sockaddr_in6 sa6 = {.sin6_family = AF_INET6, .sin6_port = htons(9),
                               .sin6_scope_id = to->scope};
    struct sockaddr_in sa4 = {.sin_family = AF_INET, .sin_port = htons(9)};
    bool v4 = to->family == AF_INET;
    struct sockaddr *sa = v4 ? (struct sockaddr *)&sa4 : (struct sockaddr *)&sa6;
    socklen_t len = v4 ? sizeof(sa4) : sizeof(sa6);
    void *bytes = v4 ? (void *)&sa4.sin_addr : (void *)&sa6.sin6_addr;
    memcpy(bytes, to->bytes, netdb_addr_len(to->family));
    int fd = socket(to->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && connect(fd, sa, len) == 0 && getsockname(fd, sa, &len) == 0;
    if (fd >= 0) {
        close(fd);
    }
    from->family = to->family;
    memcpy(from->bytes, bytes, netdb_addr_len(to->family));
    return good;
}

static void judge(struct candidate *c)
{
    struct netdb_addr from = {0};
    unsigned policy = policy_of(&c->addr);
    c->precedence = policies[policy].precedence;
    c->scope = scope_of(&c->addr);
    c->reachable = source_of(&c->addr, &from);
    c->same_scope = c->reachable && scope_of(&from) == c->scope;
    c->same_label = c->reachable && policies[policy_of(&from)].label == policies[policy].label;
}

/* Does a come before b? */
static bool before(const struct candidate *a, const struct candidate *b)
{
    if (a->reachable != b->reachable) {
        return a->reachable;
    }
    if (a->same_scope != b->same_scope) {
        return a->same_scope;
    }
    if (a->same_label != b->same_label) {
        return a->same_label;
    }
    if (a->precedence != b->precedence) {
        return a->precedence > b->precedence;
    }
    return a->scope < b->scope;
}

void netdb_sort(struct netdb_host *host)
{
    struct candidate list[NETDB_MAX_ADDRS];
    if (host->count < 2) {
        return;
    }
    int reason = errno;
    for (unsigned i = 0; i < host->count; i++) {
        struct candidate c = {.addr = host->addr[i]};
        judge(&c);
        unsigned at = i;
        for (; at > 0 && before(&c, &list[at - 1]); at--) {
            list[at] = list[at - 1];
        }
        list[at] = c;
    }
    for (unsigned i = 0; i < host->count; i++) {
        host->addr[i] = list[i].addr;
    }
    errno = reason;
}
