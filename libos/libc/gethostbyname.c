/* SPDX-License-Identifier: BSD-2-Clause */
/* gethostbyname and gethostbyaddr, which getaddrinfo and getnameinfo replace (POSIX.1-2001). */
#include <errno.h>
#include <netdb.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "netdb_impl.h"

#define RESULT_MAX (NETDB_MAX_ADDRS * (16 + sizeof(char *)) + DNS_NAME_MAX + 64)

/* h_errno's number for one of EAI_... */
static int host_error(int error)
{
    switch (error) {
    case EAI_NONAME:
    case EAI_ADDRFAMILY:
        return HOST_NOT_FOUND;
    case EAI_NODATA:
        return NO_DATA;
    case EAI_AGAIN:
        return TRY_AGAIN;
    case EAI_SYSTEM:
    case EAI_MEMORY:
        return NETDB_INTERNAL;
    default:
        return NO_RECOVERY;
    }
}

/* Lay a host out in the caller's buffer: addresses, pointers to them, the name. 0 or ERANGE. */
static int fill(const struct netdb_host *host, int family, struct hostent *ret, char *buf, size_t len)
{
    size_t size = netdb_addr_len(family), name = strlen(host->name) + 1;
    size_t skip = -(uintptr_t)buf & (alignof(char *) - 1);
    size_t need = skip + (host->count + 2) * sizeof(char *) + host->count * size + name;
    if (need > len) {
        return ERANGE;
    }
    char **list = (char **)(void *)(buf + skip);
    char *bytes = (char *)(list + host->count + 2);
    for (unsigned i = 0; i < host->count; i++) {
        list[i] = memcpy(bytes, host->addr[i].bytes, size);
        bytes += size;
    }
    list[host->count] = NULL;
    list[host->count + 1] = NULL; /* no aliases */
    ret->h_name = memcpy(bytes, host->name, name);
    ret->h_aliases = &list[host->count + 1];
    ret->h_addrtype = family;
    ret->h_length = (int)size;
    ret->h_addr_list = list;
    return 0;
}

/* End of both look-ups: what was found, or why not. */
static int finish(int error, const struct netdb_host *host, int family, struct hostent *ret, char *buf,
                  size_t len, struct hostent **result, int *why)
{
    int r = 0;
    if (error == 0) {
        r = fill(host, family, ret, buf, len);
        *why = r == 0 ? NETDB_SUCCESS : NETDB_INTERNAL;
        *result = r == 0 ? ret : NULL;
        return r;
    }
    *why = host_error(error);
    if (*why == NETDB_INTERNAL) {
        r = error == EAI_MEMORY ? ENOMEM : errno;
    } else if (*why == TRY_AGAIN) {
        r = EAGAIN;
    }
    return r;
}

int gethostbyname2_r(const char *name, int family, struct hostent *ret, char *buf, size_t len,
                     struct hostent **result, int *error)
{
    *result = NULL;
    if (family != AF_INET && family != AF_INET6) {
        *error = NETDB_INTERNAL;
        return EAFNOSUPPORT;
    }
    struct netdb_host *host = malloc(sizeof(*host));
    if (host == NULL) {
        *error = NETDB_INTERNAL;
        return ENOMEM;
    }
    int found = EAI_ADDRFAMILY;
    if (!netdb_literal(name, host)) {
        found = netdb_find_name(name, family, 0, host);
    } else if (host->addr[0].family == family) {
        found = 0;
    }
    int r = finish(found, host, family, ret, buf, len, result, error);
    free(host);
    return r;
}

int gethostbyname_r(const char *name, struct hostent *ret, char *buf, size_t len,
                    struct hostent **result, int *error)
{
    return gethostbyname2_r(name, AF_INET, ret, buf, len, result, error);
}

int gethostbyaddr_r(const void *addr, socklen_t addrlen, int family, struct hostent *ret, char *buf,
                    size_t len, struct hostent **result, int *error)
{
    *result = NULL;
    if ((family != AF_INET && family != AF_INET6) || addrlen != netdb_addr_len(family)) {
        *error = NETDB_INTERNAL;
        return family == AF_INET || family == AF_INET6 ? EINVAL : EAFNOSUPPORT;
    }
    struct netdb_host *host = calloc(1, sizeof(*host));
    if (host == NULL) {
        *error = NETDB_INTERNAL;
        return ENOMEM;
    }
    netdb_add(host, family, addr, 0);
    int found = netdb_find_addr(&host->addr[0], host->name);
    int r = finish(found, host, family, ret, buf, len, result, error);
    free(host);
    return r;
}

/* This thread's last result. */
static _Thread_local struct {
    struct hostent entry;
    char buf[RESULT_MAX];
} own;

static struct hostent *own_result(int r, struct hostent *result)
{
    if (r != 0) {
        errno = r;
    }
    return result;
}

struct hostent *gethostbyname2(const char *name, int family)
{
    struct hostent *result;
    int r = gethostbyname2_r(name, family, &own.entry, own.buf, sizeof(own.buf), &result, &h_errno);
    return own_result(r, result);
}

struct hostent *gethostbyname(const char *name)
{
    return gethostbyname2(name, AF_INET);
}

struct hostent *gethostbyaddr(const void *addr, socklen_t len, int family)
{
    struct hostent *result;
    int r = gethostbyaddr_r(addr, len, family, &own.entry, own.buf, sizeof(own.buf), &result,
                            &h_errno);
    return own_result(r, result);
}

/* Nothing stays open between look-ups. */
void sethostent(int stay_open)
{
    (void)stay_open;
}

void endhostent(void)
{
}
