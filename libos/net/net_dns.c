/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of name servers for lwIP's resolver, from three sources. */
#include "net_dns.h"

#include <string.h>

#include <lwip/opt.h>

#include <lwip/dns.h>
#include <lwip_hooks.h>

#include <pith/cmdline.h>
#include <pith/log.h>

#define LEARNED_MAX 2u /* of each source */

static struct net_address fixed[NET_MAX_DNS];
static unsigned nfixed;
static ip_addr_t learned[2][LEARNED_MAX]; /* by enum net_dns_source; any: none */

static void put(unsigned *n, const ip_addr_t *server)
{
    if (*n < DNS_MAX_SERVERS && !ip_addr_isany(server)) {
        dns_setserver((uint8_t)(*n)++, server);
    }
}

static void set_all(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < nfixed; i++) {
        ip_addr_t server = IPADDR4_INIT(0);
        if (fixed[i].v6) {
            IP_SET_TYPE_VAL(server, IPADDR_TYPE_V6);
            memcpy(ip_2_ip6(&server)->addr, fixed[i].bytes, 16);
        } else {
            memcpy(&ip_2_ip4(&server)->addr, fixed[i].bytes, 4);
        }
        put(&n, &server);
    }
    for (unsigned source = 0; nfixed == 0 && source < 2; source++) {
        for (unsigned i = 0; i < LEARNED_MAX; i++) {
            put(&n, &learned[source][i]);
        }
    }
    while (n < DNS_MAX_SERVERS) {
        dns_setserver((uint8_t)n++, NULL);
    }
}

void net_dns_start(void)
{
    const char *value = cmdline_get("dns");
    const char *why;

    if (value != NULL && net_parse_dns(value, fixed, &nfixed, &why) != 0) {
        klog(LOG_ERROR, "net: option dns=%s: %s", value, why);
    }
    set_all();
}

void net_dns_add_static(const struct net_address *servers, unsigned n)
{
    for (unsigned i = 0; i < n && nfixed < NET_MAX_DNS; i++) {
        unsigned k = 0;
        while (k < nfixed && memcmp(&fixed[k], &servers[i], sizeof(fixed[k])) != 0) {
            k++; /* a card that was taken away and comes back says the same again */
        }
        if (k == nfixed) {
            fixed[nfixed++] = servers[i];
        }
    }
    set_all();
}

void net_dns_learned(enum net_dns_source source, unsigned i, const ip_addr_t *server, int valid)
{
    if (i >= LEARNED_MAX) {
        return;
    }
    if (valid) {
        learned[source][i] = *server;
    } else {
        ip_addr_set_any(false, &learned[source][i]);
    }
    set_all();
}
