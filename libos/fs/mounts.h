/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File systems that the command line mounts: `mount=/data:SOURCE:TYPE[,OPTION...]`, repeatable.
 *
 * What an image can mount was decided when it was linked: app_mounts in app.mk, or by hand
 * `-Wl,-u,mount_TYPE`. That pulls the one object which defines struct mount_type mount_TYPE in the
 * section .pith.mounts, and with it everything that it needs; other images have nothing of it.
 */
#pragma once

#include "vfs.h"

struct mount_type {
    const char *name; /* "9p" */
    /*
     * Mount `source` with a list of options ("", or "ro,..."). Errors: -ENODEV no such source,
     * -EINVAL an option, -EIO, ... Context: thread, while the tree of names is being made: no call
     * by name is possible.
     */
    int (*mount)(const char *source, const char *options, struct mount **out);
};

#define MOUNT_TYPE __attribute__((section(".pith.mounts"), used)) const struct mount_type

/*
 * Mount what the command line says below the new root. What can't be mounted is told in the log, and
 * all that the program does below that directory fails with EIO: it must not take the memory below
 * for the file system that it was promised.
 */
void mounts_start(struct vnode *root);
