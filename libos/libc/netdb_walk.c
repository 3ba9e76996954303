/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walking through the tables of services and protocols, and glibc's look-ups with memory of the
 * caller's. The strings are constant, so nothing is put into that memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>

#include "netdb_impl.h"

/* Where a walk is: POSIX lets one thread do it at a time. */
static size_t service, protocol;

void setservent(int stay_open)
{
    (void)stay_open;
    service = 0;
}

struct servent *getservent(void)
{
    struct servent *found = netdb_service_at(service);
    service += found != NULL;
    return found;
}

void endservent(void)
{
    service = 0;
}

void setprotoent(int stay_open)
{
    (void)stay_open;
    protocol = 0;
}

struct protoent *getprotoent(void)
{
    struct protoent *found = netdb_protocol_at(protocol);
    protocol += found != NULL;
    return found;
}

void endprotoent(void)
{
    protocol = 0;
}

static int give_service(const struct servent *found, struct servent *out, struct servent **result)
{
    static char *no_aliases[1];
    *result = NULL;
    if (found != NULL) {
        *out = *found;
        out->s_aliases = no_aliases;
        *result = out;
    }
    return 0;
}

/* The aliases are this thread's until its next look-up: their pointers go into the caller's memory. */
static int give_protocol(const struct protoent *found, struct protoent *out, char *buf, size_t len,
                         struct protoent **result)
{
    size_t off = -(uintptr_t)buf % sizeof(char *);
    *result = NULL;
    if (found == NULL) {
        return 0;
    }
    if (len < off + 2 * sizeof(char *)) {
        return ERANGE;
    }
    *out = *found;
    out->p_aliases = (char **)(void *)(buf + off);
    out->p_aliases[0] = found->p_aliases[0];
    out->p_aliases[1] = NULL;
    *result = out;
    return 0;
}

int getservbyname_r(const char *name, const char *proto, struct servent *out, char *buf, size_t len,
                    struct servent **result)
{
    (void)buf;
    (void)len;
    return give_service(getservbyname(name, proto), out, result);
}

int getservbyport_r(int port, const char *proto, struct servent *out, char *buf, size_t len,
                    struct servent **result)
{
    (void)buf;
    (void)len;
    return give_service(getservbyport(port, proto), out, result);
}

int getprotobyname_r(const char *name, struct protoent *out, char *buf, size_t len,
                     struct protoent **result)
{
    return give_protocol(getprotobyname(name), out, buf, len, result);
}

int getprotobynumber_r(int number, struct protoent *out, char *buf, size_t len,
                       struct protoent **result)
{
    return give_protocol(getprotobynumber(number), out, buf, len, result);
}
