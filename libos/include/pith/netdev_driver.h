/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What drivers of network devices have in common: telling the device's user, once per arming; buffers
 * that come back from any thread; frames that can't be used or sent. Upcalls of drivers.
 *
 * All is in the device's struct netdev_shared (pith/netdev.h), which interrupts and release() touch as
 * well, atomically; they touch nothing else of a driver.
 */
#pragma once

#include <pith/netdev.h>

#define ETHERNET_HEADER 14u
#define ETHERNET_TAG    4u
#define GSO_FRAME_MAX   65535u

/* Call on_event() when it is wanted, once. Context: any, no lock of the user's held. */
void netdev_event(struct netdev *dev);

/* The same for something that arm() has to tell in any case: link, failure. */
void netdev_changed(struct netdev *dev);

/*
 * ops->release() of a driver that writes the device's address to `driver` of each netbuf that it
 * lends. Somebody who gives back what was not lent ends the program.
 */
void netdev_take_back(struct netdev *dev, struct netbuf *frame);

/*
 * What release() has got since the last time, a list by `next`; they are not lent any more. Context:
 * the user's.
 */
struct netbuf *netdev_returned(struct netdev *dev);

/* Too few buffers are posted, whatever is there, from now on or no more: see struct netdev_shared. */
void netdev_set_dry(struct netdev *dev, bool dry);

/* Are buffers lacking that have come back meanwhile? */
bool netdev_can_refill(const struct netdev *dev);

/*
 * How many receive buffers to have: by the machine's memory, or the boot option net.buffers= where
 * that is no less than `least`.
 */
unsigned netdev_buffers(unsigned least, size_t ram_per_buffer);

/* A received frame can't be used: counted, the first one is logged. */
void netdev_rx_dropped(struct netdev *dev, const char *why);

/* done() for a frame that has not been sent, which is counted. */
void netdev_tx_drop(struct netdev *dev, struct netbuf *frame);

/*
 * The ring is full: has nothing gone out of it for long? Then frames are to be dropped, so that nobody
 * waits. The driver sets shared.full_since to 0 whenever something has gone out. Context: the user's.
 */
bool netdev_tx_stuck(struct netdev *dev);
