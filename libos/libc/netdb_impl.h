/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of name look-ups share. Errors are EAI_... of <netdb.h>. */
#pragma once

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns_message.h"

#define NETDB_MAX_ADDRS (2 * DNS_MAX_RECORDS)

#define NETDB_TCP 1u
#define NETDB_UDP 2u

struct netdb_service {
    const char *name;
    uint16_t port;
    uint16_t protocols; /* NETDB_... */
};

const struct netdb_service *netdb_service_by_name(const char *name);
const struct netdb_service *netdb_service_by_port(unsigned port, unsigned protocol);

/* The i-th of the table, one for each protocol of a service; NULL: there are no more. */
struct servent *netdb_service_at(size_t i);
struct protoent *netdb_protocol_at(size_t i);

struct netdb_addr {
    int family;
    uint32_t scope;    /* interface, of IPv6 */
    uint8_t bytes[16];
};

struct netdb_host {
    unsigned count;
    bool literal;      /* it was an address, not a name */
    char name[DNS_NAME_MAX];
    struct netdb_addr addr[NETDB_MAX_ADDRS];
};

/* Bytes of an address. */
static inline unsigned netdb_addr_len(int family)
{
    return family == AF_INET ? 4 : 16;
}

/* A number in decimal at p; the byte behind it, where a NUL stands. */
char *netdb_put_number(char *p, uint32_t value);

/* Add one; what does not fit is left out. */
void netdb_add(struct netdb_host *host, int family, const void *bytes, uint32_t scope);

/* Is `name` a literal address of any family? True: it is in *out. */
bool netdb_literal(const char *name, struct netdb_host *out);

/* The addresses of a name, of one family or (AF_UNSPEC) both. `flags`: AI_NUMERICHOST, AI_ADDRCONFIG. */
int netdb_find_name(const char *name, int family, int flags, struct netdb_host *out);

/* The name of an address. EAI_NONAME: it has none. */
int netdb_find_addr(const struct netdb_addr *addr, char name[DNS_NAME_MAX]);

/*
 * Look into text of the form of /etc/hosts: the addresses of a name; the first name of an address.
 * True when there is one.
 */
bool hosts_find_name(const char *text, size_t len, const char *name, int family,
                     struct netdb_host *out);
bool hosts_find_addr(const char *text, size_t len, const struct netdb_addr *addr,
                     char name[DNS_NAME_MAX]);

/* Sort by RFC 6724, 6; what can't be reached comes last. */
void netdb_sort(struct netdb_host *host);

/* One question and its answer. */
struct dns_lookup {
    uint8_t question[DNS_QUERY_MAX];
    int len;
    bool done;
    enum dns_verdict verdict; /* when done, never DNS_TRUNCATED or DNS_NOT_OURS */
    struct dns_answer answer;
};

/* Make it ready; false: DNS can't carry this name. */
bool dns_prepare(struct dns_lookup *l, const char *name, uint16_t type);

/*
 * Ask the name servers all n questions. Returns 0 when each is done; EAI_AGAIN: a server did not
 * answer in time or there is none; EAI_SYSTEM, errno. May sleep for 15 s.
 */
int dns_ask(struct dns_lookup *lookups, unsigned n);
