/* SPDX-License-Identifier: BSD-2-Clause */
/* The files below /dev: devfs.c knows the devices, devfs_tree.c shows them as a file system. */
#pragma once

#include <stdbool.h>

#include <pith/file.h>

#include "vfs.h"

#define DEVFS_DEV       0x11 /* st_dev */
#define DEVFS_FIRST_INO 2    /* st_ino of the 0th name */
#define DEVFS_NAME_MAX  16   /* with its NUL */

/* Open /dev/`name`. Errors: -ENOENT and those of the kind of device. */
int devfs_open(const char *name, int flags, struct file **out);

/* The i-th name and its type (S_IFCHR, S_IFBLK); false: there are no more. */
bool devfs_name(unsigned i, char name[DEVFS_NAME_MAX], mode_t *type);

/* A name under which a device can be opened but is not listed becomes the one that is; else false. */
bool devfs_real_name(char name[DEVFS_NAME_MAX]);

extern struct mount devfs_mount;
