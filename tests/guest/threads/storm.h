/* SPDX-License-Identifier: BSD-2-Clause */
/* Preemption as often as a timer can: 10 kHz, at whatever instruction the threads are just then. */
#pragma once

/*
 * Start and stop it. While it runs, the running thread is preempted at each of the timer's
 * interrupts.
 */
void storm_start(void);
unsigned storm_stop(void); /* how many interrupts there were */

/* How many ticks there were so far. */
unsigned storm_ticks(void);
