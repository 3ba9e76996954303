/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults that the program deals with itself: to whom they are offered. */
#include <pith/trap.h>

#include <stddef.h>

#include <pith/platform.h>

static const struct trap_user *user; /* atomic */

void trap_set_user(const struct trap_user *u)
{
    __atomic_store_n(&user, u, __ATOMIC_RELEASE);
}

bool trap_take(struct trap_frame *frame)
{
    const struct trap_user *u = __atomic_load_n(&user, __ATOMIC_ACQUIRE);
    return u != NULL && u->take(frame);
}

void trap_run(struct trap_frame *frame, void *fp)
{
    user->run(frame, fp);
}
