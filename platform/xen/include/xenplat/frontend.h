/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kinds of paravirtual devices, and what happens to a device in its life (public/io/xenbus.h): the
 * toolstack gives some before the start, adds and takes away others while the guest runs, and after
 * a save and restore or a migration every device has to be connected again.
 *
 * A driver offers a table. One thread, "xenbus", looks at the tree whenever a watch says that
 * something has changed there and calls the table's functions, one at a time over all kinds; so do
 * the calls for the devices that are there at the start, on the thread that probes. They may sleep
 * and talk to xenstore.
 *
 * After a resume the guest is a new domain on perhaps another host: event channels, grants, watches
 * and the backends' mappings are gone. resume() of each device is called when xenstore and the
 * console answer again; every other thread has gone on meanwhile and may have used the old ring,
 * which does no harm. In resume() a driver forgets the old ports (evtchn_close() of a number that
 * may belong to somebody else now would be wrong; xen_generation() of xenplat/suspend.h tells others that are in doubt)
 * and makes new ones; old grants can be revoked at once.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <pith/list.h>

struct xenbus_device;

struct xen_frontend {
    const char *kind; /* "vif": its devices are device/vif/NUMBER */

    /*
     * A device has appeared: connect it, attach it to libos. *device becomes the driver's name for
     * it. An error has been told already (xenbus_report()); the device is left alone until its
     * place in the tree goes and comes back.
     */
    int (*attach)(const char *path, unsigned number, struct xenbus_device **device);

    /*
     * The toolstack takes the device away, or has done so. What is in flight fails, nobody waits for
     * ever, libos lets go of it, pages and references come back. Part in good order (xenbus_part()).
     * The device is the driver's to free, when its last user has gone.
     */
    void (*detach)(struct xenbus_device *device);

    /*
     * The backend has closed and the toolstack has not asked it to: part, and fail what is in flight
     * and all that comes, with a line of the log. The device stays so until it is taken away; only
     * detach() is called then. NULL: detach() is called now.
     */
    void (*lost)(struct xenbus_device *device);

    /*
     * Connect it again after a resume; requests that were not answered are made again. One that has
     * failed forgets its ports and leaves its place alone: it is detached, and another attached.
     */
    void (*resume)(struct xenbus_device *device);

    /*
     * The backend's state has been written again, and isn't an end (size, carrier, ...); called once
     * after attach() and resume(), too. May be NULL.
     */
    void (*changed)(struct xenbus_device *device, int state);

    struct list list; /* the core's */
};

/*
 * Attach the devices of a kind that are there, and those that come. Called once per kind, by its
 * probe. Returns how many were attached, -ENODEV without xenstore. Context: thread.
 */
int xen_frontend_start(struct xen_frontend *kind);
