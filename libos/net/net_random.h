/* SPDX-License-Identifier: BSD-2-Clause */
/* Unpredictable numbers for the stack; net_rand32() is declared in lwip/arch/cc.h. */
#pragma once

/* Make the key of the sequence numbers. Context: thread, before lwip_init(). */
void net_random_init(void);
