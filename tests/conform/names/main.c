/* SPDX-License-Identifier: BSD-2-Clause */
/* getaddrinfo and getnameinfo where no server is asked: literals, flags, services, errors; interfaces. */
#define _GNU_SOURCE
#include "../conform.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <sys/ioctl.h>

static const char *eai_name(int error)
{
    switch (error) {
    case 0: return "0";
    case EAI_BADFLAGS: return "EAI_BADFLAGS";
    case EAI_NONAME: return "EAI_NONAME";
    case EAI_AGAIN: return "EAI_AGAIN";
    case EAI_FAIL: return "EAI_FAIL";
    case EAI_FAMILY: return "EAI_FAMILY";
    case EAI_SOCKTYPE: return "EAI_SOCKTYPE";
    case EAI_SERVICE: return "EAI_SERVICE";
    case EAI_MEMORY: return "EAI_MEMORY";
    case EAI_SYSTEM: return "EAI_SYSTEM";
    case EAI_OVERFLOW: return "EAI_OVERFLOW";
    case EAI_ADDRFAMILY: return "EAI_ADDRFAMILY";
    case EAI_NODATA: return "EAI_NODATA";
    default: return "another error";
    }
}

static void look(const char *host, const char *service, int flags, int family, int type, int protocol)
{
    struct addrinfo hints = {.ai_flags = flags, .ai_family = family, .ai_socktype = type,
                             .ai_protocol = protocol};
    struct addrinfo *list = NULL;
    int r = getaddrinfo(host, service, &hints, &list);
    printf("%s %s flags %x family %d type %d protocol %d: %s\n", host ? host : "-",
           service ? service : "-", (unsigned)flags, family, type, protocol, eai_name(r));
    if (r != 0) {
        return;
    }
    for (struct addrinfo *i = list; i != NULL; i = i->ai_next) {
        char name[64], port[16];
        int e = getnameinfo(i->ai_addr, i->ai_addrlen, name, sizeof(name), port, sizeof(port),
                            NI_NUMERICHOST | NI_NUMERICSERV);
        printf("  %s port %s family %d type %d protocol %d length %d flags %x%s%s %s\n", name, port,
               i->ai_family, i->ai_socktype, i->ai_protocol, (int)i->ai_addrlen, (unsigned)i->ai_flags,
               i->ai_canonname ? " canon " : "", i->ai_canonname ? i->ai_canonname : "", eai_name(e));
    }
    freeaddrinfo(list);
}

static void literals(void)
{
    static const char *const hosts[] = {"1.2.3.4", "::1", "127.1", "0x7f000001", "::ffff:1.2.3.4",
                                        "fe80::1%lo", "fe80::1%7", "2001:db8::1%lo", "fe80::1%nosuch",
                                        "1.2.3.4.", "", "256.1.1.1", "1::2::3"};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        look(hosts[i], "80", AI_NUMERICHOST, AF_UNSPEC, SOCK_STREAM, 0);
    }
    look("1.2.3.4", "80", AI_NUMERICHOST, AF_INET6, SOCK_STREAM, 0);
    look("1.2.3.4", "80", AI_NUMERICHOST | AI_V4MAPPED, AF_INET6, SOCK_STREAM, 0);
    look("1.2.3.4", "80", AI_NUMERICHOST | AI_V4MAPPED | AI_ALL, AF_INET6, SOCK_STREAM, 0);
    look("::1", "80", AI_NUMERICHOST, AF_INET, SOCK_STREAM, 0);
    look("::1", "80", AI_NUMERICHOST | AI_CANONNAME, AF_UNSPEC, SOCK_STREAM, 0);
    look("some.name", "80", AI_NUMERICHOST, AF_UNSPEC, SOCK_STREAM, 0);
    look("1.2.3.4", "80", AI_ADDRCONFIG, AF_UNSPEC, SOCK_STREAM, 0);
}

static void kinds(void)
{
    look("1.2.3.4", NULL, 0, AF_UNSPEC, 0, 0);
    look("1.2.3.4", "80", 0, AF_UNSPEC, 0, 0);
    look("1.2.3.4", "80", 0, AF_INET, SOCK_DGRAM, 0);
    look("1.2.3.4", "80", 0, AF_INET, SOCK_RAW, 0);
    look("1.2.3.4", NULL, 0, AF_INET, SOCK_RAW, 0);
    look("1.2.3.4", "80", 0, AF_INET, 0, IPPROTO_UDP);
    look("1.2.3.4", "80", 0, AF_INET, SOCK_STREAM, IPPROTO_UDP);
    look("1.2.3.4", "80", 0, AF_INET, 99, 0);
    look("1.2.3.4", "80", 0, AF_INET, 0, 99);
    look("1.2.3.4", "80", 0, 99, SOCK_STREAM, 0);
    look("1.2.3.4", "80", 0x40000000, AF_INET, SOCK_STREAM, 0);
    look("1.2.3.4", "no such", 0, AF_INET, SOCK_STREAM, 0);
    look("1.2.3.4", "no such", AI_NUMERICSERV, AF_INET, SOCK_STREAM, 0);
    look("1.2.3.4", "", 0, AF_INET, SOCK_STREAM, 0);
    look("1.2.3.4", "0", 0, AF_INET, SOCK_STREAM, 0);
    look(NULL, NULL, 0, AF_UNSPEC, 0, 0);
    look(NULL, "80", 0, AF_UNSPEC, SOCK_STREAM, 0);
    look(NULL, "80", AI_PASSIVE, AF_UNSPEC, SOCK_STREAM, 0);
    look(NULL, "80", AI_PASSIVE, AF_INET6, SOCK_STREAM, 0);
    look(NULL, "80", AI_CANONNAME, AF_INET, SOCK_STREAM, 0);
}

static void names(void)
{
    struct sockaddr_in a = v4(0x0a010203, 12345);
    struct sockaddr_in6 b = v6_loopback(80);
    char host[64], service[16];
    int n = NI_NUMERICHOST | NI_NUMERICSERV;
#define NAME(...) printf("%d: %s\n", __LINE__, eai_name(getnameinfo(__VA_ARGS__)))
    NAME(SA(a), sizeof(a), host, sizeof(host), service, sizeof(service), n);
    printf("%s %s\n", host, service);
    NAME(SA(b), sizeof(b), host, sizeof(host), service, sizeof(service), n);
    printf("%s %s\n", host, service);
    NAME(SA(a), 3, host, sizeof(host), service, sizeof(service), n);
    NAME(SA(b), sizeof(a), host, sizeof(host), service, sizeof(service), n);
    NAME(SA(a), sizeof(a), host, 5, service, sizeof(service), n);
    NAME(SA(a), sizeof(a), host, sizeof(host), service, 3, n);
    NAME(SA(a), sizeof(a), NULL, 0, service, sizeof(service), n);
    NAME(SA(a), sizeof(a), host, sizeof(host), NULL, 0, n);
    NAME(SA(a), sizeof(a), NULL, 0, NULL, 0, n);
    NAME(SA(a), sizeof(a), host, sizeof(host), NULL, 0, 0x4000000);
    a.sin_family = AF_UNIX + 40;
    NAME(SA(a), sizeof(a), host, sizeof(host), service, sizeof(service), n);
    struct hostent *h = gethostbyname("10.1.2.3");
    IS(h != NULL && h->h_addrtype == AF_INET && h->h_length == 4 && h->h_addr_list[1] == NULL &&
       memcmp(h->h_addr_list[0], "\x0a\x01\x02\x03", 4) == 0 && strcmp(h->h_name, "10.1.2.3") == 0 &&
       h->h_aliases[0] == NULL);
    struct hostent ret, *result;
    char small[8];
    int error;
    SHOW(gethostbyname_r("10.1.2.3", &ret, small, sizeof(small), &result, &error) == ERANGE);
}

/* There is nothing but loopback, on both. */
static void interfaces(void)
{
    struct ifaddrs *list;
    char name[IF_NAMESIZE];
    SHOW(if_nametoindex("lo"));
    CALL(if_nametoindex("nosuch0"));
    IS(if_indextoname(1, name) == name && strcmp(name, "lo") == 0);
    IS(if_indextoname(77, name) == NULL && errno == ENXIO);
    struct if_nameindex *all = if_nameindex();
    IS(all != NULL && all[0].if_index == 1 && strcmp(all[0].if_name, "lo") == 0);
    if_freenameindex(all);
    CALL(getifaddrs(&list));
    for (struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
        char addr[64], mask[64];
        if (i->ifa_addr == NULL || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6)) {
            continue;
        }
        socklen_t len = i->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                                          : sizeof(struct sockaddr_in6);
        getnameinfo(i->ifa_addr, len, addr, sizeof(addr), NULL, 0, NI_NUMERICHOST);
        getnameinfo(i->ifa_netmask, len, mask, sizeof(mask), NULL, 0, NI_NUMERICHOST);
        printf("%s %s %s flags %x\n", i->ifa_name, addr, mask, i->ifa_flags);
    }
    freeifaddrs(list);
    int fd = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    struct ifreq r = {.ifr_name = "lo"}, many[4];
    CALL(ioctl(fd, SIOCGIFINDEX, &r));
    SHOW(r.ifr_ifindex);
    CALL(ioctl(fd, SIOCGIFFLAGS, &r));
    SHOW(r.ifr_flags);
    CALL(ioctl(fd, SIOCGIFADDR, &r));
    printf("%s\n", inet_ntoa(((struct sockaddr_in *)&r.ifr_addr)->sin_addr));
    CALL(ioctl(fd, SIOCGIFNETMASK, &r));
    printf("%s\n", inet_ntoa(((struct sockaddr_in *)&r.ifr_netmask)->sin_addr));
    CALL(ioctl(fd, SIOCGIFMTU, &r));
    SHOW(r.ifr_mtu);
    CALL(ioctl(fd, SIOCGIFHWADDR, &r));
    SHOW(r.ifr_hwaddr.sa_family);
    strcpy(r.ifr_name, "nosuch");
    CALL(ioctl(fd, SIOCGIFINDEX, &r));
    r.ifr_ifindex = 1;
    CALL(ioctl(fd, SIOCGIFNAME, &r));
    printf("%s\n", r.ifr_name);
    struct ifconf c = {.ifc_len = sizeof(many), .ifc_req = many};
    CALL(ioctl(fd, SIOCGIFCONF, &c));
    SHOW(c.ifc_len);
    c.ifc_req = NULL;
    CALL(ioctl(fd, SIOCGIFCONF, &c));
    SHOW(c.ifc_len);
    close(fd);
}

int main(void)
{
    begin();
    literals();
    kinds();
    names();
    interfaces();
    return end();
}
