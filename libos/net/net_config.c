/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses of interfaces from the command line, DHCP and router advertisements.
 *
 *     ip=  ip6=  of the first interface; net.eth0=  net.eth0.ip6=  of the one named
 *     hostname=  told to the DHCP server
 */
#include "net_config.h"

#include <string.h>

#include <lwip/opt.h>

#include <lwip/dhcp.h>
#include <lwip/ip_addr.h>
#include <lwip_hooks.h>

#include <pith/cmdline.h>
#include <pith/log.h>

#include "net_dns.h"
#include "net_card.h"
#include "net_timers.h"

/* The option of interface `name` (suffix "" or ".ip6"), or the short form for the first one. */
static const char *option_of(const struct net_card *card, const char *suffix, const char *brief,
                             char *name, size_t size)
{
    log_format(name, size, "net.%s%s", card->dev->name, suffix);
    const char *value = cmdline_get(name);
    if (value == NULL && card == net_card_list) {
        log_format(name, size, "%s", brief);
        value = cmdline_get(name);
    }
    return value;
}

static void read_settings(struct net_card *card, bool v6)
{
    struct net_settings *set = v6 ? &card->ip6 : &card->ip4;
    char name[24];
    const char *why;
    const char *value = option_of(card, v6 ? ".ip6" : "", v6 ? "ip6" : "ip", name, sizeof(name));

    *set = (struct net_settings){ .mode = NET_MODE_AUTO };
    if (value != NULL && net_parse_settings(value, v6, set, &why) != 0) {
        klog(LOG_ERROR, "net: option %s=%s: %s; using %s", name, value, why, v6 ? "auto" : "dhcp");
    }
}

static ip4_addr_t to_ip4(const struct net_address *a)
{
    ip4_addr_t ip;

    memcpy(&ip.addr, a->bytes, sizeof(ip.addr));
    return ip;
}

static void start_ip4(struct net_card *card)
{
    const struct net_settings *set = &card->ip4;

    if (set->mtu != 0 && set->mtu < card->netif.mtu) {
        card->netif.mtu = (uint16_t)set->mtu;
        card->netif.mtu6 = (uint16_t)set->mtu;
    }
    if (set->mode == NET_MODE_STATIC) {
        ip4_addr_t addr = to_ip4(&set->address), gw = to_ip4(&set->gateway), mask;
        mask.addr = lwip_htonl(0xffffffffu << (32 - set->prefix));
        netif_set_addr(&card->netif, &addr, &mask, &gw);
    } else if (set->mode == NET_MODE_AUTO) {
        dhcp_start(&card->netif); /* no memory: the interface stays without an address */
    }
}

static void to_ip6(const struct net_address *a, ip6_addr_t *ip)
{
    memcpy(ip->addr, a->bytes, sizeof(ip->addr));
    ip6_addr_clear_zone(ip);
}

/* The router for everything outside of the prefix; NULL: what routers say. */
const ip6_addr_t *net_ip6_gateway(const struct netif *netif)
{
    static ip6_addr_t gateway; /* lwIP copies it at once */
    const struct net_card *card = net_card_of(netif);

    if (card == NULL || !card->ip6.has_gateway) {
        return NULL;
    }
    to_ip6(&card->ip6.gateway, &gateway);
    ip6_addr_assign_zone(&gateway, IP6_UNICAST, netif);
    return &gateway;
}

static void start_ip6(struct net_card *card)
{
    const struct net_settings *set = &card->ip6;

    if (set->mode == NET_MODE_OFF) {
        return;
    }
    netif_create_ip6_linklocal_address(&card->netif, 1);
    netif_set_ip6_autoconfig_enabled(&card->netif, set->mode == NET_MODE_AUTO);
    if (set->mode == NET_MODE_STATIC) {
        ip6_addr_t addr;
        to_ip6(&set->address, &addr);
        netif_add_ip6_address(&card->netif, &addr, NULL); /* a slot is free: it is the second */
    }
}

/* Something about the interface has changed: tell, and let those who wait look. */
static void status_changed(struct netif *n)
{
    struct net_card *card = n->state;

    if (card->ip4.mode == NET_MODE_AUTO && dhcp_supplied_address(n) &&
        !ip4_addr_eq(netif_ip4_addr(n), &card->told)) {
        char addr[IP4ADDR_STRLEN_MAX], gw[IP4ADDR_STRLEN_MAX];
        card->told = *netif_ip4_addr(n);
        ip4addr_ntoa_r(netif_ip4_addr(n), addr, sizeof(addr));
        ip4addr_ntoa_r(netif_ip4_gw(n), gw, sizeof(gw));
        klog(LOG_INFO, "net: %s: %s by DHCP, gateway %s, lease of %u s", card->dev->name, addr, gw,
             netif_dhcp_data(n)->offered_t0_lease);
    }
    net_config_changed();
}

void net_dhcp_option(struct netif *netif, unsigned option, unsigned len, const struct pbuf *p,
                     unsigned offset)
{
    uint8_t value[2];

    if (option != 26 || len != sizeof(value) ||
        pbuf_copy_partial(p, value, sizeof(value), (uint16_t)offset) != sizeof(value)) {
        return;
    }
    unsigned mtu = (unsigned)value[0] << 8 | value[1];
    if (mtu >= NET_MTU_MIN && mtu < netif->mtu) {
        netif->mtu = (uint16_t)mtu; /* only ever smaller than the device's */
    }
}

void net_config_card(struct net_card *card)
{
    read_settings(card, false);
    read_settings(card, true);
    net_dns_add_static(card->ip4.dns, card->ip4.ndns);
    net_dns_add_static(card->ip6.dns, card->ip6.ndns);
    netif_set_hostname(&card->netif, cmdline_get("hostname"));
    netif_set_status_callback(&card->netif, status_changed);
    net_timers_look();
    if (card->ip4.mode == NET_MODE_OFF && card->ip6.mode == NET_MODE_OFF) {
        return;
    }
    netif_set_up(&card->netif);
    if (card->dev->link_up) {
        netif_set_link_up(&card->netif);
    }
    start_ip4(card);
    start_ip6(card);
}

void net_config_start(void)
{
    net_dns_start();
    for (struct net_card *card = net_card_list; card != NULL; card = card->next) {
        net_config_card(card);
    }
}

bool net_config_done(void)
{
    for (struct net_card *card = net_card_list; card != NULL; card = card->next) {
        if (card->ip4.mode == NET_MODE_AUTO && netif_is_link_up(&card->netif) &&
            !dhcp_supplied_address(&card->netif)) {
            return false;
        }
    }
    return true;
}
