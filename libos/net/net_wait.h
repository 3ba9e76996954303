/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for addresses; net_wait_configured() is in net.h. */
#pragma once

/* The time for it begins. Context: net_lock held. */
void net_wait_start(void);
