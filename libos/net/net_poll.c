/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot option net.poll: `off` (the default), `adaptive`, or for how many microseconds a thread that
 * waits for the network looks for packets by itself before it sleeps.
 */
#include "net_poll.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <pith/cmdline.h>
#include <pith/iowait.h>
#include <pith/log.h>

#define ADAPTIVE_US 100u     /* some times what falling asleep and waking take */
#define MOST_US     1000000u

void net_poll_start(void)
{
    const char *value = cmdline_get("net.poll");

    if (value == NULL || strcmp(value, "off") == 0 || strcmp(value, "0") == 0) {
        return;
    }
    if (strcmp(value, "adaptive") == 0) {
        io_engine_poll(ADAPTIVE_US * 1000u, true);
        return;
    }
    uint64_t us = cmdline_get_u64("net.poll", UINT64_MAX);
    if (us == 0 || us > MOST_US) {
        klog(LOG_WARNING, "net: net.poll=%s: neither off, adaptive, nor 1 to %u microseconds", value, MOST_US);
        return;
    }
    io_engine_poll(us * 1000, false);
}
