/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network options of the command line, as text: addresses and the settings of an interface.
 * Pure; no part of lwIP.
 *
 *     ip=dhcp | off | ADDRESS/LENGTH[,gw=ADDRESS][,dns=ADDRESS]...[,mtu=BYTES]
 *     ip6=auto | off | ADDRESS/LENGTH[,gw=ADDRESS][,dns=ADDRESS]...
 *     dns=ADDRESS[,ADDRESS]...
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_MAX_DNS 3
#define NET_MTU_MIN 576u /* what each IPv4 host takes (RFC 791, 3.1) */

struct net_address {
    bool v6;
    uint8_t bytes[16]; /* in network order; 4 of IPv4 */
};

enum net_mode {
    NET_MODE_OFF,
    NET_MODE_AUTO,   /* DHCP; SLAAC */
    NET_MODE_STATIC,
};

struct net_settings {
    enum net_mode mode;
    struct net_address address; /* of NET_MODE_STATIC, as the next three */
    unsigned prefix;            /* bits */
    bool has_gateway;
    struct net_address gateway;
    unsigned ndns;
    struct net_address dns[NET_MAX_DNS];
    unsigned mtu;               /* bytes, 0: the device's */
};

/* An address of `len` characters: "192.0.2.1" or RFC 4291, 2.2 ("2001:db8::1"), no zone. */
bool net_parse_address(const char *s, size_t len, struct net_address *out);

/*
 * The settings of IPv4 (v6 false) or IPv6. On an error (-EINVAL) *out is untouched and *why says
 * what is wrong.
 */
int net_parse_settings(const char *s, bool v6, struct net_settings *out, const char **why);

/* A list of name servers, added to those in `list`. */
int net_parse_dns(const char *s, struct net_address list[NET_MAX_DNS], unsigned *n,
                  const char **why);
