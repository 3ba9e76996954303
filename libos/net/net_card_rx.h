/* SPDX-License-Identifier: BSD-2-Clause */
/* Receiving, for net_card.c. */
#pragma once

#include "net_card.h"

/* Give a received frame to lwIP. Context: net_lock held. */
void net_card_input(struct net_card *card, struct netbuf *frame);
