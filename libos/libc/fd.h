/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of the descriptor table that only the C library makes; the rest is in <pith/file.h>. */
#pragma once

#include <pith/file.h>

/*
 * Put f, with the caller's reference, at exactly `fd`; what was there is closed. Returns fd.
 * Errors: -EBADF (no possible descriptor), -ENOMEM; the reference stays the caller's.
 */
int fd_replace(struct file *f, int fd);

/* Close a descriptor. Errors: -EBADF. */
int fd_remove(int fd);
