/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What io_wait() offers to polling (iopoll.c), which only images have whose engine asks for it.
 * Context of all: thread, io_wait()'s lock held.
 */
#pragma once

#include <pith/iowait.h>

struct iowait_polling {
    /*
     * Called once in a wait, before it sleeps: have the engine look as long as seems good. Returns
     * when that began. `hears` are the bits of attention that end the wait.
     */
    uint64_t (*poll)(struct io_waiter *w, uint64_t deadline_ns, unsigned hears);
    void (*ended)(uint64_t began_ns); /* the wait is over */
};

extern const struct iowait_polling *iowait_polling; /* NULL: nobody polls */

/* Whether w may have the engine look now: it leads, and no thread is at it. */
bool iowait_may_look(const struct io_waiter *w);

/* Have the engine look() once, and arm its devices again. The lock is released meanwhile. */
void iowait_look(void);
void iowait_arm(void);
