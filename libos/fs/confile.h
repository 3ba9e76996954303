/* SPDX-License-Identifier: BSD-2-Clause */
/* Console devices as files. */
#pragma once

#include <pith/file.h>

/* Open /dev/NAME; the machine's console is that. Errors: -ENOENT, -ENOMEM. */
int confile_open(const char *name, int flags, struct file **out);
