/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMP errors on their way to the sockets whose packets caused them. */
#pragma once

/* Ask to be told of them. Context: net_lock, after net_start(). */
void sock_icmp_listen(void);
