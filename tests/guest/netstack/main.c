/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses: what the options, DHCP and routers give the interfaces. Each argument is a check:
 * eth0=ADDRESS (the interface gets it), -eth0=ADDRESS (it hasn't got it), mtu=BYTES of eth0,
 * dns=ADDRESS,... (the servers, in order), counters.
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pith/netinfo.h>
#include <pith/netstats.h>

#include "check.h"

#define WAIT_SECONDS 15 /* at most; it is over as soon as the address is there */

static const char *argument;

static void text_of(const struct sockaddr *sa, char *out, size_t size)
{
    const void *addr = sa->sa_family == AF_INET
                           ? (const void *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr
                           : &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
    inet_ntop(sa->sa_family, addr, out, (socklen_t)size);
}

/* Whether interface `name` has the address now. */
static bool has(const char *name, size_t len, const char *address)
{
    struct ifaddrs *list;
    bool found = false;

    if (getifaddrs(&list) != 0) {
        return false;
    }
    for (struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
        char text[INET6_ADDRSTRLEN] = "";
        if (i->ifa_addr != NULL &&
            (i->ifa_addr->sa_family == AF_INET || i->ifa_addr->sa_family == AF_INET6)) {
            text_of(i->ifa_addr, text, sizeof(text));
        }
        found |= strlen(i->ifa_name) == len && memcmp(i->ifa_name, name, len) == 0 &&
                 strcmp(text, address) == 0;
    }
    freeifaddrs(list);
    return found;
}

static void address(void)
{
    const char *equal = strchr(argument, '=');
    time_t until = time(NULL) + WAIT_SECONDS;

    while (!has(argument, (size_t)(equal - argument), equal + 1) && time(NULL) < until) {
        usleep(50000);
    }
    CHECK(has(argument, (size_t)(equal - argument), equal + 1));
}

static void no_address(void)
{
    const char *equal = strchr(argument, '=');

    CHECK(!has(argument + 1, (size_t)(equal - argument - 1), equal + 1));
}

static void servers(void)
{
    struct sockaddr_storage list[4];
    char all[4 * INET6_ADDRSTRLEN] = "";
    unsigned n = net_dns_servers(list, 4);

    for (unsigned i = 0; i < n; i++) {
        char text[INET6_ADDRSTRLEN];
        text_of((const struct sockaddr *)&list[i], text, sizeof(text));
        strcat(strcat(all, i > 0 ? "," : ""), text);
    }
    if (strcmp(all, argument + strlen("dns=")) != 0) {
        CHECK_FAIL("the servers are '%s'", all);
    }
}

static void mtu(void)
{
    struct net_if eth0;

    CHECK(net_if_next(1, &eth0));
    CHECK_EQ(eth0.mtu, atoi(argument + strlen("mtu=")));
}

/* The counters are there, have names of their own, and have seen the traffic of DHCP. */
static void counters(void)
{
    static struct net_stat s[NET_STATS_MAX];
    unsigned n = net_stats(s);

    CHECK(n > 40 && n <= NET_STATS_MAX);
    for (unsigned i = 0; i < n; i++) {
        CHECK(s[i].help[0] != '\0');
        for (unsigned k = 0; k < i; k++) {
            CHECK(strcmp(s[i].name, s[k].name) != 0);
        }
        if (strcmp(s[i].name, "udp_datagrams_received") == 0) {
            CHECK(s[i].value > 0);
        }
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_storage server;

    net_dns_servers(&server, 1); /* starts the network and waits for addresses */
    for (int i = 1; i < argc; i++) {
        char name[24];
        argument = argv[i];
        snprintf(name, sizeof(name), "%d-%.*s", i, (int)strcspn(argument, "="), argument);
        check_run(name, strncmp(argument, "dns=", 4) == 0      ? servers
                        : strncmp(argument, "mtu=", 4) == 0    ? mtu
                        : strcmp(argument, "counters") == 0    ? counters
                        : argument[0] == '-'                   ? no_address
                                                               : address);
    }
    return check_done();
}
