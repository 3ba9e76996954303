/* SPDX-License-Identifier: BSD-2-Clause */
/* Block devices as files. */
#pragma once

#include <pith/file.h>

/*
 * Open the block device of that name ("vda"). Errors: -ENOENT, -EROFS (for writing, and it is
 * read-only), -ENOMEM.
 */
int blkfile_open(const char *name, int flags, struct file **out);
