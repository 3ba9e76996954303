/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for the addresses that DHCP gives, once after the start. */
#include "net_wait.h"

#include "net.h"

#include <errno.h>

#include <pith/cmdline.h>
#include <pith/iowait.h>
#include <pith/list.h>
#include <pith/platform.h>

#include "net_config.h"
#include "net_timers.h"

#define DEFAULT_WAIT 10u /* seconds: two of lwIP's requests and a slow answer */
#define MAX_WAIT     3600u

struct waiting {
    struct io_waiter io;
    struct list link; /* under net_lock */
};

static struct list waiting = LIST_INIT(waiting);
static uint64_t deadline_ns;
static bool over; /* all have their address, or it has been waited long enough; atomic */

void net_wait_start(void)
{
    uint64_t seconds = cmdline_get_u64("net.wait", DEFAULT_WAIT);

    seconds = seconds > MAX_WAIT ? MAX_WAIT : seconds;
    deadline_ns = platform_clock_ns() + seconds * 1000000000ull;
}

void net_config_changed(void)
{
    net_timers_look();
    for (struct list *l = waiting.next; l != &waiting; l = l->next) {
        io_wake(&LIST_ENTRY(l, struct waiting, link)->io);
    }
}

void net_wait_configured(void)
{
    struct waiting w;
    bool late = false;

    if (__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
        return;
    }
    io_waiter_init(&w.io);
    w.io.deaf = true;
    net_lock();
    list_insert(&waiting, &w.link);
    while (!late && !net_config_done()) {
        net_unlock();
        late = io_wait(&w.io, deadline_ns) == -ETIMEDOUT;
        net_lock();
    }
    list_remove(&w.link);
    __atomic_store_n(&over, true, __ATOMIC_RELEASE);
    net_unlock();
}
