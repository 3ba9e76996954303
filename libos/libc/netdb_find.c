/* SPDX-License-Identifier: BSD-2-Clause */
/* Where names are looked for: "localhost", /etc/hosts, this machine's own name, DNS. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <pith/netinfo.h>
#include <net/if.h>

#include "netdb_impl.h"

#define HOSTS_FILE "/etc/hosts"
#define HOSTS_MAX  (256 << 10) /* bytes of it that are read */

static const uint8_t loopback4[4] = {127, 0, 0, 1};
static const uint8_t loopback6[16] = {[15] = 1};

/* The file's text, to be freed; NULL: there is none, or no memory. */
static char *read_hosts(size_t *len)
{
    int fd = open(HOSTS_FILE, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = size > 0 && size <= HOSTS_MAX ? malloc((size_t)size) : NULL;
    ssize_t got = text == NULL ? -1 : pread(fd, text, (size_t)size, 0);
    close(fd);
    if (got < 0) {
        free(text);
        return NULL;
    }
    *len = (size_t)got;
    return text;
}

/* Does the name end in this one: is it the same, or below it? A last dot does not matter. */
static bool is_below(const char *name, const char *domain)
{
    size_t len = strlen(name), tail = strlen(domain);
    if (len > 0 && name[len - 1] == '.') {
        len--;
    }
    return len >= tail && strncasecmp(name + len - tail, domain, tail) == 0 &&
           (len == tail || name[len - tail - 1] == '.');
}

static void add_if_wanted(struct netdb_host *out, int wanted, int family, const void *bytes)
{
    if (wanted == AF_UNSPEC || wanted == family) {
        netdb_add(out, family, bytes, 0);
    }
}

static bool in_hosts_file(const char *name, int family, struct netdb_host *out)
{
    size_t len;
    char *text = read_hosts(&len);
    bool found = text != NULL && hosts_find_name(text, len, name, family, out);
    free(text);
    return found;
}

/* An IPv6 address that only means something on one link. */
static bool is_link_local(const struct net_if_addr *a)
{
    return a->family == AF_INET6 && a->addr[0] == 0xfe && (a->addr[1] & 0xc0) == 0x80;
}

/* Families that have an address beyond the machine: AI_ADDRCONFIG. Collects them in *own too. */
static void configured(bool *v4, bool *v6, struct netdb_host *own)
{
    struct net_if interface;
    *v4 = *v6 = false;
    for (unsigned index = 0; net_if_next(index, &interface); index = interface.index) {
        for (unsigned i = 0; i < interface.count && !(interface.flags & IFF_LOOPBACK); i++) {
            const struct net_if_addr *a = &interface.addrs[i];
            if (!is_link_local(a)) {
                *(a->family == AF_INET ? v4 : v6) = true;
                if (own != NULL) {
                    netdb_add(own, a->family, a->addr, 0);
                }
            }
        }
    }
}

/* This machine's own name: the addresses that it has, or loopback's. */
static bool is_own_name(const char *name, int family, struct netdb_host *out)
{
    char own[65];
    struct netdb_host all = {0};
    bool v4, v6;
    if (gethostname(own, sizeof(own)) != 0 || strcasecmp(name, own) != 0) {
        return false;
    }
    configured(&v4, &v6, &all);
    for (unsigned i = 0; i < all.count; i++) {
        add_if_wanted(out, family, all.addr[i].family, all.addr[i].bytes);
    }
    if (all.count == 0) {
        add_if_wanted(out, family, AF_INET6, loopback6);
        add_if_wanted(out, family, AF_INET, loopback4);
    }
    strlcpy(out->name, own, sizeof(out->name));
    return true;
}

/* DNS: AAAA and A side by side. */
static int by_dns(const char *name, int family, int flags, struct netdb_host *out)
{
    struct dns_lookup *l = calloc(2, sizeof(*l));
    bool v4 = family != AF_INET6, v6 = family != AF_INET;
    bool have4, have6;
    unsigned n = 0;
    if (l == NULL) {
        return EAI_MEMORY;
    }
    if ((flags & AI_ADDRCONFIG) != 0) {
        configured(&have4, &have6, NULL);
        if (have4 || have6) {
            v4 = v4 && have4;
            v6 = v6 && have6;
        }
    }
    int result = v4 || v6 ? 0 : EAI_NONAME;
    if ((v6 && !dns_prepare(&l[n++], name, DNS_TYPE_AAAA)) ||
        (v4 && !dns_prepare(&l[n++], name, DNS_TYPE_A))) {
        result = EAI_NONAME;
    }
    if (result == 0) {
        result = dns_ask(l, n);
    }
    bool exists = false;
    for (unsigned i = 0; i < n && (result == 0 || result == EAI_AGAIN); i++) {
        exists |= l[i].done && l[i].verdict != DNS_NO_NAME;
        if (!l[i].done || l[i].verdict != DNS_OK) {
            continue;
        }
        strcpy(out->name, l[i].answer.name);
        for (unsigned k = 0; k < l[i].answer.count; k++) {
            netdb_add(out, v6 && i == 0 ? AF_INET6 : AF_INET, l[i].answer.addr[k], 0);
        }
    }
    free(l);
    if (out->count > 0) {
        return 0; /* one family's answer is enough */
    }
    return result != 0 ? result : exists ? EAI_NODATA : EAI_NONAME;
}

int netdb_find_name(const char *name, int family, int flags, struct netdb_host *out)
{
    *out = (struct netdb_host){0};
    if (*name == '\0' || strlen(name) > DNS_NAME_MAX) {
        return EAI_NONAME;
    }
    if ((flags & AI_NUMERICHOST) != 0) {
        return EAI_NONAME;
    }
    if (in_hosts_file(name, family, out)) {
        return 0;
    }
    /* RFC 6761, 6.3: never asked of a server. */
    if (is_below(name, "localhost")) {
        add_if_wanted(out, family, AF_INET6, loopback6);
        add_if_wanted(out, family, AF_INET, loopback4);
        strlcpy(out->name, "localhost", sizeof(out->name));
        return 0;
    }
    if (is_own_name(name, family, out)) {
        return out->count > 0 ? 0 : EAI_NODATA;
    }
    return by_dns(name, family, flags, out);
}

/* The name below in-addr.arpa (RFC 1035, 3.5) or ip6.arpa (RFC 3596, 2.5). */
static void reverse_name(const struct netdb_addr *addr, char out[DNS_NAME_MAX])
{
    const uint8_t *b = addr->bytes;
    if (addr->family == AF_INET) {
        for (int i = 3; i >= 0; i--) {
            out = netdb_put_number(out, b[i]);
            *out++ = '.';
        }
        strcpy(out, "in-addr.arpa");
        return;
    }
    for (int i = 15; i >= 0; i--) {
        *out++ = "0123456789abcdef"[b[i] & 15];
        *out++ = '.';
        *out++ = "0123456789abcdef"[b[i] >> 4];
        *out++ = '.';
    }
    strcpy(out, "ip6.arpa");
}

int netdb_find_addr(const struct netdb_addr *addr, char name[DNS_NAME_MAX])
{
    size_t len;
    char *text = read_hosts(&len);
    bool found = text != NULL && hosts_find_addr(text, len, addr, name);
    free(text);
    if (found) {
        return 0;
    }
    if (memcmp(addr->bytes, addr->family == AF_INET ? loopback4 : loopback6,
               netdb_addr_len(addr->family)) == 0) {
        strcpy(name, "localhost");
        return 0;
    }
    struct dns_lookup *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        return EAI_MEMORY;
    }
    reverse_name(addr, name);
    dns_prepare(l, name, DNS_TYPE_PTR); /* such a name is always well-formed */
    int result = dns_ask(l, 1);
    if (result == 0) {
        result = l->verdict == DNS_OK ? 0 : EAI_NONAME;
        strcpy(name, l->answer.name);
    }
    free(l);
    return result;
}
