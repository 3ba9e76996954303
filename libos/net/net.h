/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network subsystem, for the files of this room: its one mutex, its start, its engine.
 *
 * All of lwIP, and all state of sockets that lwIP's callbacks touch, is under net_lock(). It is
 * never held while sleeping for I/O (io_wait(), file_wait()), and no interrupt handler takes it.
 * Order: net_lock, then a poll queue's lock, then spin locks.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <lwip/err.h>

/* The one mutex. Unlocking hands what was queued for sending to the devices, with one notify. */
void net_lock(void);
void net_unlock(void);

/*
 * Start the stack at its first use: devices, addresses from the command line, DHCP, the engine.
 * Later calls return at once. Without any device there is still the loopback interface.
 * Errors: -ENOMEM. Context: thread, net_lock not held.
 */
int net_start(void);

/* Whether net_start() has succeeded. Context: any. */
bool net_started(void);

/*
 * Wait until each interface has its address (DHCP has answered, or has been given up), at most once
 * and at most `net.wait=` seconds (default 10) after the start. For calls that send to somebody new:
 * connect(), the first sendto(), getaddrinfo(). Context: thread, net_lock not held.
 */
void net_wait_configured(void);

/* lwIP's error as -errno; ERR_OK is 0. */
int net_errno(err_t err);
