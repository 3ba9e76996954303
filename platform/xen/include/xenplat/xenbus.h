/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handshake between a device of ours and its other half in a backend domain (public/io/xenbus.h):
 * two state numbers in xenstore, one written by each side.
 *
 *   ours                               the backend's
 *   1 Initialising                     2 InitWait       it has told what it can do
 *   3 Initialised, or 4: rings and event channel are written
 *                                      4 Connected      it has mapped them and tells the rest
 *   4 Connected                                         in use
 *   5 Closing                          5 Closing        either side begins: unplugged, or our wish
 *   6 Closed                           6 Closed         it has let go of everything
 *
 * Backends may skip states, so a wait names all that will do; Closing and Closed end any. A backend
 * whose part of the tree has gone counts as Closed; a state that is no number, or none of these, as
 * 0 (Unknown).
 *
 * Calls are made by threads and wait for xenstore. Errors as in xenplat/xenstore.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <pith/waitq.h>
#include <xenplat/abi.h>
#include <xenplat/xenstore.h>

#include <xen/io/xenbus.h>

struct xenbus_device {
    char path[XENSTORE_PATH_MAX];    /* ours: "device/vif/0" */
    char backend[XENSTORE_PATH_MAX]; /* the other's, absolute */
    unsigned domain;                 /* where that is */
    void *arg;                       /* the driver's */

    /* The helper's own. */
    char state_path[XENSTORE_PATH_MAX + 8];
    struct xenstore_watch watch;
    struct spinlock lock; /* guards the two below; taken inside xenstore's */
    struct waitq changed;
    uint32_t changes;
};

/*
 * Begin: find the backend of the device at `path` and watch it. Our state is not touched. -ENOENT:
 * there is no such device; -EINVAL: what is written there can't be.
 */
int xenbus_open(struct xenbus_device *dev, const char *path);

/* Stop watching. */
void xenbus_close(struct xenbus_device *dev);

/* The backend's state now; Closed when its part of the tree has gone, -Exxx. */
int xenbus_backend_state(struct xenbus_device *dev);

#define XENBUS_STATES(state) (1u << (state)) /* in a set of states */

/*
 * Wait until the backend is in one of `states`, or Closing or Closed. Returns which, -ETIMEDOUT when
 * that has not come by deadline_ns.
 */
int xenbus_wait(struct xenbus_device *dev, unsigned states, uint64_t deadline_ns);

/* Our state. */
int xenbus_set_state(struct xenbus_device *dev, XenbusState state);

/*
 * Write what the backend needs and our state after it, in one transaction: publish(tx, dev) writes
 * keys below dev->path; it may be called again. What it returns other than 0 ends it.
 */
int xenbus_publish(struct xenbus_device *dev, int (*publish)(uint32_t tx, struct xenbus_device *dev),
                   XenbusState state);

/*
 * Part in good order: Closing, Closed, and wait until the backend is Closed too. Only after 0 has
 * it let go of our pages. Where our place in the tree has gone, or is another device's already,
 * there is nobody to part from. -ETIMEDOUT, or xenstore's error.
 */
int xenbus_part(struct xenbus_device *dev, uint64_t deadline_ns);

/* Tell in the tree why the device does not work (error/PATH/error), where people look for it. */
void xenbus_report(struct xenbus_device *dev, int error, const char *what);
