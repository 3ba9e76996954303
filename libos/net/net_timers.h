/* SPDX-License-Identifier: BSD-2-Clause */
/* The stack's clock: lwIP's periodic functions, each only while something waits for it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Run what is due and return the monotonic time of the next, UINT64_MAX for none.
 * Context: net_lock held.
 */
uint64_t net_timers_run(void);

/* An interface or its DHCP has begun: timers may wait that did not. Context: net_lock held. */
void net_timers_look(void);

/* Whether there is a nearer deadline since net_timers_run(): then it has to run again. */
bool net_timers_changed(void);
