/* SPDX-License-Identifier: BSD-2-Clause */
/* Well-known services (IANA's registry of service names and port numbers) and protocols, as tables. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "netdb_impl.h"

static const struct netdb_service services[] = {
    {"echo", 7, NETDB_TCP | NETDB_UDP}, {"discard", 9, NETDB_TCP | NETDB_UDP},
    {"daytime", 13, NETDB_TCP}, {"chargen", 19, NETDB_TCP},
    {"ftp-data", 20, NETDB_TCP}, {"ftp", 21, NETDB_TCP},
    {"ssh", 22, NETDB_TCP}, {"telnet", 23, NETDB_TCP},
    {"smtp", 25, NETDB_TCP}, {"time", 37, NETDB_TCP | NETDB_UDP},
    {"domain", 53, NETDB_TCP | NETDB_UDP}, {"tftp", 69, NETDB_UDP},
    {"http", 80, NETDB_TCP}, {"kerberos", 88, NETDB_TCP | NETDB_UDP},
    {"pop3", 110, NETDB_TCP}, {"sunrpc", 111, NETDB_TCP | NETDB_UDP},
    {"nntp", 119, NETDB_TCP}, {"ntp", 123, NETDB_UDP},
    {"imap2", 143, NETDB_TCP}, {"snmp", 161, NETDB_TCP | NETDB_UDP},
    {"bgp", 179, NETDB_TCP}, {"ldap", 389, NETDB_TCP | NETDB_UDP},
    {"https", 443, NETDB_TCP | NETDB_UDP}, {"submissions", 465, NETDB_TCP},
    {"syslog", 514, NETDB_UDP}, {"submission", 587, NETDB_TCP},
    {"ldaps", 636, NETDB_TCP | NETDB_UDP}, {"domain-s", 853, NETDB_TCP | NETDB_UDP},
    {"rsync", 873, NETDB_TCP}, {"imaps", 993, NETDB_TCP},
    {"pop3s", 995, NETDB_TCP}, {"mqtt", 1883, NETDB_TCP},
    {"nfs", 2049, NETDB_TCP | NETDB_UDP}, {"mysql", 3306, NETDB_TCP},
    {"sip", 5060, NETDB_TCP | NETDB_UDP}, {"postgresql", 5432, NETDB_TCP},
    {"redis", 6379, NETDB_TCP}, {"http-alt", 8080, NETDB_TCP | NETDB_UDP},
    {"secure-mqtt", 8883, NETDB_TCP},
};

static const struct {
    const char *name;
    const char *alias;
    int number;
} protocols[] = {
    {"ip", "IP", 0}, {"icmp", "ICMP", 1}, {"igmp", "IGMP", 2}, {"tcp", "TCP", 6}, {"udp", "UDP", 17},
    {"ipv6", "IPv6", 41}, {"ipv6-icmp", "IPv6-ICMP", 58}, {"sctp", "SCTP", 132},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

char *netdb_put_number(char *p, uint32_t value)
{
    char digits[10];
    unsigned n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (n > 0) {
        *p++ = digits[--n];
    }
    *p = '\0';
    return p;
}

/* Names that a service has besides its first one. */
static const char *other_name(const char *name)
{
    static const char *const pairs[][2] = {{"www", "http"}, {"imap", "imap2"}, {"mail", "smtp"},
                                           {"portmapper", "sunrpc"}, {"ssmtp", "submissions"}};
    for (size_t i = 0; i < COUNT(pairs); i++) {
        if (strcmp(name, pairs[i][0]) == 0) {
            return pairs[i][1];
        }
    }
    return name;
}

const struct netdb_service *netdb_service_by_name(const char *name)
{
    name = other_name(name);
    for (size_t i = 0; i < COUNT(services); i++) {
        if (strcmp(services[i].name, name) == 0) {
            return &services[i];
        }
    }
    return NULL;
}

const struct netdb_service *netdb_service_by_port(unsigned port, unsigned protocol)
{
    for (size_t i = 0; i < COUNT(services); i++) {
        if (services[i].port == port && (services[i].protocols & protocol) != 0) {
            return &services[i];
        }
    }
    return NULL;
}

/* The protocols that a name stands for; NULL stands for any. */
static unsigned protocol_bits(const char *proto)
{
    if (proto == NULL) {
        return NETDB_TCP | NETDB_UDP;
    }
    return strcmp(proto, "tcp") == 0 ? NETDB_TCP : strcmp(proto, "udp") == 0 ? NETDB_UDP : 0;
}

static struct servent *fill(const struct netdb_service *s, unsigned protocol)
{
    static _Thread_local struct servent entry;
    static _Thread_local char *no_aliases[1];
    if (s == NULL || (s->protocols & protocol) == 0) {
        return NULL;
    }
    entry.s_name = (char *)(uintptr_t)s->name;
    entry.s_aliases = no_aliases;
    entry.s_port = htons((uint16_t)s->port);
    entry.s_proto = (char *)(uintptr_t)((s->protocols & protocol & NETDB_TCP) ? "tcp" : "udp");
    return &entry;
}

struct servent *getservbyname(const char *name, const char *proto)
{
    return fill(netdb_service_by_name(name), protocol_bits(proto));
}

struct servent *getservbyport(int port, const char *proto)
{
    unsigned bits = protocol_bits(proto);
    return fill(netdb_service_by_port(ntohs((uint16_t)port), bits), bits);
}

struct servent *netdb_service_at(size_t i)
{
    for (size_t s = 0; s < COUNT(services); s++) {
        for (unsigned bit = NETDB_TCP; bit <= NETDB_UDP; bit <<= 1) {
            if ((services[s].protocols & bit) != 0 && i-- == 0) {
                return fill(&services[s], bit);
            }
        }
    }
    return NULL;
}

struct protoent *netdb_protocol_at(size_t i)
{
    if (i >= COUNT(protocols)) {
        return NULL;
    }
    static _Thread_local struct protoent entry;
    static _Thread_local char *aliases[2];
    aliases[0] = (char *)(uintptr_t)protocols[i].alias;
    entry.p_name = (char *)(uintptr_t)protocols[i].name;
    entry.p_aliases = aliases;
    entry.p_proto = protocols[i].number;
    return &entry;
}

struct protoent *getprotobyname(const char *name)
{
    for (size_t i = 0; i < COUNT(protocols); i++) {
        if (strcmp(protocols[i].name, name) == 0 || strcmp(protocols[i].alias, name) == 0) {
            return netdb_protocol_at(i);
        }
    }
    return NULL;
}

struct protoent *getprotobynumber(int number)
{
    for (size_t i = 0; i < COUNT(protocols); i++) {
        if (protocols[i].number == number) {
            return netdb_protocol_at(i);
        }
    }
    return NULL;
}
