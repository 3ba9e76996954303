/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses: what the command line asks for, what DHCP and routers say. All under net_lock. */
#pragma once

#include <stdbool.h>

/* Read the options and give each interface its addresses, or start asking for them. */
void net_config_start(void);

struct net_card;

/* The same for one that has come later. */
void net_config_card(struct net_card *card);

/* An address or a link has changed: those in net_wait_configured() look again. */
void net_config_changed(void);

/* Whether no interface waits for its IPv4 address. */
bool net_config_done(void);
