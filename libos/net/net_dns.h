/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which name servers are asked, in which order: those of the command line; without any, those that
 * DHCP told, then those of router advertisements. All under net_lock.
 */
#pragma once

#include "net_parse.h"

/* Take `dns=` of the command line. */
void net_dns_start(void);

/* More servers of the command line. */
void net_dns_add_static(const struct net_address *servers, unsigned n);
