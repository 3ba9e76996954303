/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a packet's checksum is, and making one. Xen's rings say "the checksum is blank" and leave it
 * to the reader to find it (public/io/netif.h), others name the place (struct netbuf).
 */
#include "netfront.h"

#define TYPE_IP4  0x0800u
#define TYPE_IP6  0x86ddu
#define TYPE_VLAN 0x8100u

#define PROTOCOL_TCP 6u
#define PROTOCOL_UDP 17u

#define IP4_LEAST 20u
#define IP6_LEAST 40u
#define TCP_LEAST 20u
#define UDP_LEAST 8u
#define OPTIONS_MAX 8u /* of IPv6: headers between it and the transport */

static unsigned read16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* Returns where the transport begins, 0 when it is none that we know; *protocol which. */
static uint32_t skip_ip4(const uint8_t *p, uint32_t at, uint32_t len, unsigned *protocol)
{
    if (len - at < IP4_LEAST) {
        return 0;
    }
    uint32_t header = (p[at] & 15u) * 4;
    if (p[at] >> 4 != 4 || header < IP4_LEAST || len - at < header ||
        (read16(p + at + 6) & 0x3fff) != 0) { /* more fragments, or an offset */
        return 0;
    }
    *protocol = p[at + 9];
    return at + header;
}

static uint32_t skip_ip6(const uint8_t *p, uint32_t at, uint32_t len, unsigned *protocol)
{
    if (len - at < IP6_LEAST || p[at] >> 4 != 6) {
        return 0;
    }
    unsigned next = p[at + 6];
    at += IP6_LEAST;
    /* RFC 8200, 4.1: hop-by-hop 0, routing 43, destination 60; each says how long it is. */
    for (unsigned i = 0; next == 0 || next == 43 || next == 60; i++) {
        if (i == OPTIONS_MAX || len - at < 8 || len - at < 8 + p[at + 1] * 8u) {
            return 0;
        }
        next = p[at];
        at += 8 + p[at + 1] * 8u;
    }
    *protocol = next;
    return at;
}

bool netfront_find_sum(const void *frame, uint32_t len, struct netfront_place *place)
{
    const uint8_t *p = frame;
    uint32_t at = ETHERNET_HEADER;
    unsigned protocol = 0;

    if (len < at + ETHERNET_TAG) {
        return false;
    }
    unsigned type = read16(p + 12);
    bool tagged = type == TYPE_VLAN;
    if (tagged) {
        type = read16(p + 16);
        at += ETHERNET_TAG;
    }
    if (type == TYPE_IP4) {
        at = skip_ip4(p, at, len, &protocol);
    } else if (type == TYPE_IP6) {
        at = skip_ip6(p, at, len, &protocol);
    } else {
        return false;
    }
    bool tcp = protocol == PROTOCOL_TCP;
    if (at == 0 || (!tcp && protocol != PROTOCOL_UDP) || len - at < (tcp ? TCP_LEAST : UDP_LEAST)) {
        return false;
    }
    uint32_t header = tcp ? (p[at + 12] >> 4) * 4u : UDP_LEAST;
    if (tcp && header < TCP_LEAST) {
        return false;
    }
    *place = (struct netfront_place){
        .v6 = type == TYPE_IP6,
        .tcp = tcp,
        .tagged = tagged,
        .start = (uint16_t)at,
        .offset = tcp ? 16 : 6,
        .header_len = (uint16_t)(at + header),
    };
    return true;
}

uint32_t netfront_sum(const void *data, uint32_t len, bool odd, uint32_t sum)
{
    const uint8_t *p = data;

    for (uint32_t i = 0; i < len; i++) {
        sum += (i & 1) == odd ? p[i] : (uint32_t)p[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

uint16_t netfront_fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}
