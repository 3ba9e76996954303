/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's wish that the machine ends: a power button, Ctrl-Alt-Del. It reaches the program as
 * SIGTERM; what the program does not end by itself is ended some time later.
 */
#pragma once

/*
 * Listen for the host from shortly after the start on, when a short program is over already. Called
 * once, from libos_main(). Context: masked.
 */
void stop_init(void);

/*
 * Have `hook` called when the host asks for the first time, in place of ending the machine with
 * status 143 (128 + SIGTERM) at once. The grace period (`stop.grace=` in seconds, 30; 0: none
 * at all) and a second request end it regardless. hook runs in an interrupt, masked: it wakes a
 * thread. Context: any.
 */
void stop_set_hook(void (*hook)(void));
