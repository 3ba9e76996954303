/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses, byte order, services and names: what needs no name server. */
#define _GNU_SOURCE
#include "../conform.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>

static char buf[300];

static const char *gai_name(int r)
{
    return r == 0 ? "0" : r == EAI_NONAME ? "NONAME" : r == EAI_SERVICE ? "SERVICE" : r == EAI_BADFLAGS ? "BADFLAGS" :
           r == EAI_FAMILY ? "FAMILY" : r == EAI_SOCKTYPE ? "SOCKTYPE" : r == EAI_OVERFLOW ? "OVERFLOW" : r == EAI_AGAIN ? "AGAIN" :
           r == EAI_FAIL ? "FAIL" : r == EAI_SYSTEM ? "SYSTEM" : "another";
}

static void texts(void)
{
    static const char *const v4s[] = {"1.2.3.4", "0.0.0.0", "255.255.255.255", "256.1.1.1", "1.2.3", "1.2", "1", "0x7f.1", "010.1.1.1", "1.2.3.4.5",
        "1.2.3.4 ", " 1.2.3.4", "", "a.b.c.d", "1..2.3", "1.2.3.", "0xffffffff", "4294967296", "1.16777215", "1.16777216", "1.2.65535", "1.2.3.04"};
    static const char *const v6s[] = {"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "fe80::1", "::ffff:1.2.3.4", "::1.2.3.4",
        "1::2::3", ":::", ":1", "1:", "12345::", "g::", "", "::1%lo", "2001:db8:0:0:1:0:0:1", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "FE80::A",
        "::ffff:1.2.3", "0:0:0:0:0:0:0:0", "1:0:0:2:0:0:0:3", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8"};
    struct in_addr a;
    struct in6_addr a6;
    SAY("IPv4");
    for (size_t i = 0; i < sizeof(v4s) / sizeof(v4s[0]); i++) {
        memset(&a, 0, sizeof(a));
        int p = inet_pton(AF_INET, v4s[i], &a), n = inet_aton(v4s[i], &a);
        printf("%s: pton %d, aton %d %08lx, addr %08lx\n", v4s[i], p, n, n ? (unsigned long)ntohl(a.s_addr) : 0ul,
               (unsigned long)ntohl(inet_addr(v4s[i])));
    }
    a.s_addr = htonl(0xc0a80001);
    STR(inet_ntoa(a));
    STR(inet_ntop(AF_INET, &a, buf, sizeof(buf)));
    STR(inet_ntop(AF_INET, &a, buf, 12));
    STR(inet_ntop(AF_INET, &a, buf, 11));
    STR(inet_ntop(77, &a, buf, sizeof(buf)));
    CALL(inet_pton(77, "1.2.3.4", &a));
    SHOW((long)inet_network("192.168"));
    SHOW((long)inet_netof(a));
    SHOW((long)inet_lnaof(a));
    SHOW((long)ntohl(inet_makeaddr(10, 5).s_addr));
    SAY("IPv6");
    for (size_t i = 0; i < sizeof(v6s) / sizeof(v6s[0]); i++) {
        memset(&a6, 0, sizeof(a6));
        int p = inet_pton(AF_INET6, v6s[i], &a6);
        printf("%s: %d %s\n", v6s[i], p, p == 1 ? inet_ntop(AF_INET6, &a6, buf, sizeof(buf)) : "");
    }
    STR(inet_ntop(AF_INET6, &in6addr_loopback, buf, 3));
    SHOW(htons(0x1234));
    SHOW((long)htonl(0x12345678));
    SHOW(ntohs(0x1234));
    IS(IN6_IS_ADDR_LOOPBACK(&in6addr_loopback) && IN6_IS_ADDR_UNSPECIFIED(&in6addr_any));
}

static void ask(int line, const char *name, const char *service, int family, int type, int flags)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = type, .ai_flags = flags}, *list = NULL;
    int r = getaddrinfo(name, service, &hints, &list);
    printf("%d: %s %s: %s", line, name ? name : "NULL", service ? service : "NULL", gai_name(r));
    for (struct addrinfo *a = list; r == 0 && a != NULL; a = a->ai_next) {
        char host[60], port[20];
        getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
        printf(" [%s]:%s type %d proto %d%s%s", host, port, a->ai_socktype, a->ai_protocol, a->ai_canonname ? " is " : "",
               a->ai_canonname ? a->ai_canonname : "");
    }
    putchar('\n');
    if (r == 0) {
        freeaddrinfo(list);
    }
}

#define ASK(...) ask(__LINE__, __VA_ARGS__)

static void names(void)
{
    SAY("getaddrinfo");
    ASK("127.0.0.1", "80", AF_INET, SOCK_STREAM, 0);
    ASK("127.0.0.1", "80", AF_UNSPEC, 0, 0);
    ASK("127.0.0.1", NULL, AF_INET, SOCK_DGRAM, 0);
    ASK("127.1", "80", AF_INET, SOCK_STREAM, AI_NUMERICHOST);
    ASK("::1", "80", AF_INET6, SOCK_STREAM, 0);
    ASK("::1", "80", AF_INET, SOCK_STREAM, AI_NUMERICHOST);
    ASK("127.0.0.1", "80", AF_INET6, SOCK_STREAM, AI_NUMERICHOST);
    ASK("127.0.0.1", "80", AF_INET6, SOCK_STREAM, AI_V4MAPPED);
    ASK(NULL, "80", AF_INET, SOCK_STREAM, 0);
    ASK(NULL, "80", AF_INET, SOCK_STREAM, AI_PASSIVE);
    ASK(NULL, "80", AF_INET6, SOCK_STREAM, AI_PASSIVE);
    ASK(NULL, NULL, AF_INET, SOCK_STREAM, 0);
    ASK("127.0.0.1", "http", AF_INET, SOCK_STREAM, 0);
    ASK("127.0.0.1", "domain", AF_INET, SOCK_DGRAM, 0);
    ASK("127.0.0.1", "nonsense", AF_INET, SOCK_STREAM, 0);
    ASK("127.0.0.1", "http", AF_INET, SOCK_STREAM, AI_NUMERICSERV);
    ASK("127.0.0.1", "65535", AF_INET, SOCK_STREAM, 0);
    ASK("no number", "80", AF_INET, SOCK_STREAM, AI_NUMERICHOST);
    ASK("127.0.0.1", "80", 77, SOCK_STREAM, 0);
    ASK("127.0.0.1", "80", AF_INET, 77, 0);
    ASK("127.0.0.1", "80", AF_INET, SOCK_STREAM, 0x4000000);
    ASK("127.0.0.1", "80", AF_INET, SOCK_STREAM, AI_CANONNAME);
    ASK(NULL, "80", AF_INET, SOCK_STREAM, AI_CANONNAME);
    static const int errors[] = {EAI_NONAME, EAI_AGAIN, EAI_FAIL, EAI_FAMILY, EAI_SOCKTYPE, EAI_SERVICE, EAI_MEMORY, EAI_SYSTEM, EAI_BADFLAGS, 12345};
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        printf("%s: %s\n", gai_name(errors[i]), gai_strerror(errors[i]));
    }
    SAY("getnameinfo");
    struct sockaddr_in a = v4(0x01020304, 80);
    char service[20];
    printf("%s\n", gai_name(getnameinfo(SA(a), sizeof(a), buf, sizeof(buf), service, sizeof(service), NI_NUMERICHOST)));
    STR(buf);
    STR(service);
    printf("%s\n", gai_name(getnameinfo(SA(a), sizeof(a), buf, 3, NULL, 0, NI_NUMERICHOST)));
    printf("%s\n", gai_name(getnameinfo(SA(a), sizeof(a), NULL, 0, NULL, 0, 0)));
    printf("%s\n", gai_name(getnameinfo(SA(a), 3, buf, sizeof(buf), NULL, 0, NI_NUMERICHOST)));
    printf("%s\n", gai_name(getnameinfo(SA(a), sizeof(a), NULL, 0, service, 1, NI_NUMERICSERV)));
    a.sin_family = 77;
    printf("%s\n", gai_name(getnameinfo(SA(a), sizeof(a), buf, sizeof(buf), NULL, 0, NI_NUMERICHOST)));
    SAY("services, protocols");
    struct servent *s = getservbyname("http", "tcp");
    IS(s != NULL && ntohs((uint16_t)s->s_port) == 80);
    IS(getservbyname("nonsense", "tcp") == NULL);
    s = getservbyport(htons(443), "tcp");
    IS(s != NULL && strcmp(s->s_name, "https") == 0);
    IS(getservbyport(htons(60999), NULL) == NULL);
    struct protoent *p = getprotobyname("tcp");
    IS(p != NULL && p->p_proto == 6);
    IS(getprotobyname("nonsense") == NULL);
    p = getprotobynumber(17);
    IS(p != NULL && strcmp(p->p_name, "udp") == 0);
    IS(getprotobynumber(-1) == NULL);
    struct hostent *h = gethostbyname("10.1.2.3");
    IS(h != NULL && h->h_addrtype == AF_INET && h->h_length == 4);
    h = gethostbyname("localhost");
    IS(h != NULL && *(uint32_t *)(void *)h->h_addr_list[0] == htonl(INADDR_LOOPBACK));
    SAY("interfaces");
    SHOW(if_nametoindex("lo") != 0);
    STR(if_indextoname(if_nametoindex("lo"), buf));
    SHOW(if_nametoindex("none"));
    STR(if_indextoname(9999, buf));
    struct if_nameindex *n = if_nameindex();
    IS(n != NULL && n[0].if_index != 0);
    if_freenameindex(n);
    struct ifaddrs *list, *i;
    CALL(getifaddrs(&list));
    for (i = list; i != NULL && strcmp(i->ifa_name, "lo") != 0; i = i->ifa_next) {
    }
    IS(i != NULL && (i->ifa_flags & IFF_LOOPBACK) && (i->ifa_flags & IFF_UP));
    freeifaddrs(list);
}

int main(void)
{
    begin();
    texts();
    names();
    return end();
}
