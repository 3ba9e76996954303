/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions of libos/net that lwIP calls at the places where it offers hooks. */
#pragma once

#include <stdint.h>

#include <lwip/ip_addr.h>

/* The first sequence number of a connection (RFC 6528). Context: net_lock held. */
uint32_t net_tcp_isn(const ip_addr_t *local_ip, uint16_t local_port, const ip_addr_t *remote_ip,
                     uint16_t remote_port);
#define LWIP_HOOK_TCP_ISN net_tcp_isn
