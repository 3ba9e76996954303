/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP: the header (RFC 768), with both customary sets of names. */
#pragma once

#include <stdint.h>

#define SOL_UDP 17

struct udphdr {
    union {
        struct {
            uint16_t uh_sport, uh_dport, uh_ulen, uh_sum;
        };
        struct {
            uint16_t source, dest, len, check;
        };
    };
};
