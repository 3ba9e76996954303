/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether threads that wait for the network poll first: boot option net.poll. */
#pragma once

/* Context: thread, once, before the engine starts. */
void net_poll_start(void);
