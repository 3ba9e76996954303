/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link between ending threads and keys, so that a program without keys has none of their code.
 */
#pragma once

/* Run the destructors of the calling thread's values; set by the first pthread_key_create(). */
extern void (*pthread_keys_leave)(void);
