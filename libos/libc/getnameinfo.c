/* SPDX-License-Identifier: BSD-2-Clause */
/* getnameinfo (POSIX; RFC 3493, 6.2): an address and a port in words or digits. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <string.h>

#include "netdb_impl.h"

#define ALL_FLAGS (NI_NUMERICHOST | NI_NUMERICSERV | NI_NOFQDN | NI_NAMEREQD | NI_DGRAM)

/* The address and port of a socket address; EAI_FAMILY when it is none or cut. */
static int take_apart(const struct sockaddr *addr, socklen_t len, struct netdb_addr *out,
                      uint16_t *port)
{
    *out = (struct netdb_addr){0};
    if (addr == NULL || len < sizeof(sa_family_t)) {
        return EAI_FAMILY;
    }
    out->family = addr->sa_family;
    if (addr->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
        const struct sockaddr_in *sa = (const struct sockaddr_in *)addr;
        memcpy(out->bytes, &sa->sin_addr, 4);
        *port = ntohs(sa->sin_port);
        return 0;
    }
    if (addr->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
        const struct sockaddr_in6 *sa = (const struct sockaddr_in6 *)addr;
        memcpy(out->bytes, &sa->sin6_addr, 16);
        out->scope = sa->sin6_scope_id;
        *port = ntohs(sa->sin6_port);
        return 0;
    }
    return EAI_FAMILY;
}

/* "fe80::1%eth0": the interface by name where the address is link-local, else by number. */
static void numeric_host(const struct netdb_addr *addr, char out[DNS_NAME_MAX])
{
    char name[IF_NAMESIZE];
    const uint8_t *b = addr->bytes;
    inet_ntop(addr->family, b, out, DNS_NAME_MAX);
    if (addr->family != AF_INET6 || addr->scope == 0) {
        return;
    }
    bool link_local = (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) || (b[0] == 0xff && (b[1] & 15) == 2);
    size_t len = strlen(out);
    int reason = errno;
    if (link_local && if_indextoname(addr->scope, name) != NULL) {
        out[len] = '%'; /* address and name have room: 45 and 15 bytes */
        strcpy(out + len + 1, name);
    } else {
        out[len] = '%';
        netdb_put_number(out + len + 1, addr->scope);
    }
    errno = reason;
}

static int host_text(const struct netdb_addr *addr, int flags, char out[DNS_NAME_MAX])
{
    int error = EAI_NONAME;
    if ((flags & NI_NUMERICHOST) == 0) {
        error = netdb_find_addr(addr, out);
        if (error == 0 && (flags & NI_NOFQDN) != 0) {
            out[strcspn(out, ".")] = '\0';
        }
    }
    if (error == 0) {
        return 0;
    }
    if ((flags & NI_NAMEREQD) != 0 || error == EAI_MEMORY) {
        return error;
    }
    numeric_host(addr, out);
    return 0;
}

static int copy_out(const char *text, char *out, socklen_t size)
{
    size_t len = strlen(text);
    if (len >= size) {
        return EAI_OVERFLOW;
    }
    memcpy(out, text, len + 1);
    return 0;
}

int getnameinfo(const struct sockaddr *__restrict addr, socklen_t addrlen, char *__restrict host,
                socklen_t hostlen, char *__restrict service, socklen_t servicelen, int flags)
{
    struct netdb_addr a;
    uint16_t port;
    char text[DNS_NAME_MAX];
    bool want_host = host != NULL && hostlen > 0;
    bool want_service = service != NULL && servicelen > 0;
    if ((flags & ~ALL_FLAGS) != 0) {
        return EAI_BADFLAGS;
    }
    int error = take_apart(addr, addrlen, &a, &port);
    if (error != 0) {
        return error;
    }
    if ((flags & NI_NAMEREQD) != 0 && !want_host && !want_service) {
        return EAI_NONAME;
    }
    if (want_host) {
        error = host_text(&a, flags, text);
        if (error == 0) {
            error = copy_out(text, host, hostlen);
        }
    }
    if (want_service && error == 0) {
        const struct netdb_service *s = NULL;
        if ((flags & NI_NUMERICSERV) == 0) {
            s = netdb_service_by_port(port, (flags & NI_DGRAM) != 0 ? NETDB_UDP : NETDB_TCP);
        }
        netdb_put_number(text, port);
        error = copy_out(s != NULL ? s->name : text, service, servicelen);
    }
    return error;
}
