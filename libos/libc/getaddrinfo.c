/* SPDX-License-Identifier: BSD-2-Clause */
/* getaddrinfo (POSIX; RFC 3493, 6.1): hints are checked, names looked up, and a list is built. */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "netdb_impl.h"

#define ALL_FLAGS (AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_NUMERICSERV | AI_V4MAPPED | \
                   AI_ALL | AI_ADDRCONFIG)

/* A kind of socket, and its port in network order. */
struct kind {
    int socktype;
    int protocol;
    uint16_t port;
};
#define MAX_KINDS 3

static const struct {
    int socktype;
    int protocol;
    unsigned bit;   /* NETDB_...; 0: it has no ports with names */
} known[MAX_KINDS] = {
    {SOCK_STREAM, IPPROTO_TCP, NETDB_TCP},
    {SOCK_DGRAM, IPPROTO_UDP, NETDB_UDP},
    {SOCK_RAW, 0, 0}, /* takes any protocol */
};

/* An element and its address in one block. */
struct element {
    struct addrinfo info;
    union {
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } addr;
};

/* The port that a text of digits is, 0 of none (as with glibc); -1: it isn't one. */
static long number_of(const char *text)
{
    long value = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9' && value <= 0xffff; p++) {
        value = value * 10 + (*p - '0');
    }
    return *p == '\0' && value <= 0xffff ? value : -1;
}

/* The kinds of socket that hints and service leave; how many, or EAI_... */
static int find_kinds(const char *service, const struct addrinfo *hints, struct kind out[MAX_KINDS])
{
    int matched = 0, n = 0;
    long port = service == NULL ? 0 : number_of(service);
    const struct netdb_service *named = NULL;
    if (port < 0) {
        if ((hints->ai_flags & AI_NUMERICSERV) != 0) {
            return EAI_NONAME;
        }
        named = netdb_service_by_name(service);
    }
    for (int i = 0; i < MAX_KINDS; i++) {
        bool any = known[i].bit == 0;
        if ((hints->ai_socktype != 0 && hints->ai_socktype != known[i].socktype) ||
            (hints->ai_protocol != 0 && !any && hints->ai_protocol != known[i].protocol) ||
            (hints->ai_protocol != 0 && any && hints->ai_socktype == 0)) {
            continue;
        }
        matched++;
        if ((port < 0 && (named == NULL || (named->protocols & known[i].bit) == 0)) ||
            (any && service != NULL && hints->ai_socktype != 0)) {
            continue; /* raw sockets have no services, and nobody may ask for one in particular */
        }
        out[n].socktype = known[i].socktype;
        out[n].protocol = any ? hints->ai_protocol : known[i].protocol;
        out[n++].port = htons((uint16_t)(port < 0 ? named->port : port));
    }
    if (matched == 0) {
        return hints->ai_socktype != 0 ? EAI_SOCKTYPE : EAI_SERVICE;
    }
    return n > 0 ? n : EAI_SERVICE;
}

/* Without a host's name: the wildcard to listen on, else this machine itself. */
static void no_name(const struct addrinfo *hints, struct netdb_host *out)
{
    static const uint8_t any[16];
    static const uint8_t loopback6[16] = {[15] = 1};
    static const uint8_t loopback4[4] = {127, 0, 0, 1};
    bool passive = (hints->ai_flags & AI_PASSIVE) != 0;
    *out = (struct netdb_host){.literal = true};
    /* glibc's order; a program that listens on the first one alone serves IPv4, as it does there. */
    if (passive && hints->ai_family != AF_INET6) {
        netdb_add(out, AF_INET, any, 0);
    }
    if (hints->ai_family != AF_INET) {
        netdb_add(out, AF_INET6, passive ? any : loopback6, 0);
    }
    if (!passive && hints->ai_family != AF_INET6) {
        netdb_add(out, AF_INET, loopback4, 0);
    }
}

/* IPv4 addresses as IPv6 ones (RFC 4291, 2.5.5.2), for AI_V4MAPPED. */
static void map_v4(struct netdb_host *host, int flags)
{
    bool has_v6 = false;
    unsigned n = 0;
    for (unsigned i = 0; i < host->count; i++) {
        has_v6 |= host->addr[i].family == AF_INET6;
    }
    for (unsigned i = 0; i < host->count; i++) {
        struct netdb_addr a = host->addr[i];
        if (a.family == AF_INET) {
            if (has_v6 && (flags & AI_ALL) == 0) {
                continue;
            }
            memcpy(a.bytes + 12, a.bytes, 4);
            memset(a.bytes, 0, 10);
            memset(a.bytes + 10, 0xff, 2);
            a.family = AF_INET6;
        }
        host->addr[n++] = a;
    }
    host->count = n;
}

static int find_host(const char *name, const struct addrinfo *hints, struct netdb_host *out)
{
    bool mapped = hints->ai_family == AF_INET6 && (hints->ai_flags & AI_V4MAPPED) != 0;
    if (name == NULL) {
        no_name(hints, out);
        return 0;
    }
    if (netdb_literal(name, out)) {
        if (hints->ai_family != AF_UNSPEC && hints->ai_family != out->addr[0].family) {
            if (!mapped) {
                return EAI_ADDRFAMILY;
            }
            map_v4(out, 0);
        }
        return 0;
    }
    int error = netdb_find_name(name, mapped ? AF_UNSPEC : hints->ai_family, hints->ai_flags, out);
    if (error == 0 && mapped) {
        map_v4(out, hints->ai_flags);
    }
    if (error == 0) {
        netdb_sort(out);
    }
    return error;
}

static struct addrinfo *make(const struct netdb_addr *addr, const struct kind *kind)
{
    struct element *e = calloc(1, sizeof(*e));
    if (e == NULL) {
        return NULL;
    }
    if (addr->family == AF_INET) {
        e->addr.v4.sin_family = AF_INET;
        e->addr.v4.sin_port = kind->port;
        memcpy(&e->addr.v4.sin_addr, addr->bytes, 4);
        e->info.ai_addrlen = sizeof(e->addr.v4);
    } else {
        e->addr.v6.sin6_family = AF_INET6;
        e->addr.v6.sin6_port = kind->port;
        memcpy(&e->addr.v6.sin6_addr, addr->bytes, 16);
        e->addr.v6.sin6_scope_id = addr->scope;
        e->info.ai_addrlen = sizeof(e->addr.v6);
    }
    e->info.ai_family = addr->family;
    e->info.ai_socktype = kind->socktype;
    e->info.ai_protocol = kind->protocol;
    e->info.ai_addr = (struct sockaddr *)&e->addr;
    return &e->info;
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list != NULL) {
        struct addrinfo *next = list->ai_next;
        free(list->ai_canonname);
        free(list);
        list = next;
    }
}

/* The list of each address with each kind of socket. */
static int build(const char *name, const struct netdb_host *host, const struct kind *kinds, int n,
                 const struct addrinfo *hints, struct addrinfo **result)
{
    struct addrinfo *list = NULL, **tail = &list;
    for (unsigned i = 0; i < host->count; i++) {
        for (int k = 0; k < n; k++) {
            *tail = make(&host->addr[i], &kinds[k]);
            if (*tail == NULL) {
                freeaddrinfo(list);
                return EAI_MEMORY;
            }
            (*tail)->ai_flags = hints->ai_flags;
            tail = &(*tail)->ai_next;
        }
    }
    if ((hints->ai_flags & AI_CANONNAME) != 0 && list != NULL) {
        list->ai_canonname = strdup(host->literal ? name : host->name);
        if (list->ai_canonname == NULL) {
            freeaddrinfo(list);
            return EAI_MEMORY;
        }
    }
    *result = list;
    return 0;
}

int getaddrinfo(const char *__restrict name, const char *__restrict service,
                const struct addrinfo *__restrict hints, struct addrinfo **__restrict result)
{
    /* Without hints, what POSIX.1-2001 and glibc take. */
    static const struct addrinfo defaults = {.ai_flags = AI_V4MAPPED | AI_ADDRCONFIG};
    struct kind kinds[MAX_KINDS];
    hints = hints == NULL ? &defaults : hints;
    if (name != NULL && strcmp(name, "*") == 0) {
        name = NULL;
    }
    if (service != NULL && strcmp(service, "*") == 0) {
        service = NULL;
    }
    if (name == NULL && service == NULL) {
        return EAI_NONAME;
    }
    if ((hints->ai_flags & ~ALL_FLAGS) != 0 ||
        ((hints->ai_flags & AI_CANONNAME) != 0 && name == NULL)) {
        return EAI_BADFLAGS;
    }
    if (hints->ai_family != AF_UNSPEC && hints->ai_family != AF_INET &&
        hints->ai_family != AF_INET6) {
        return EAI_FAMILY;
    }
    int n = find_kinds(service, hints, kinds);
    if (n < 0) {
        return n;
    }
    struct netdb_host *host = malloc(sizeof(*host));
    if (host == NULL) {
        return EAI_MEMORY;
    }
    int error = find_host(name, hints, host);
    if (error == 0) {
        error = build(name, host, kinds, n, hints, result);
    }
    free(host);
    return error;
}
