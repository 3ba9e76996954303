/* SPDX-License-Identifier: BSD-2-Clause */
/* The files below /dev. */
#pragma once

#include <pith/file.h>

/* Open /dev/`name`. Errors: -ENOENT and those of the kind of device. */
int devfs_open(const char *name, int flags, struct file **out);
