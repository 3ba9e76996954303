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

/*
 * Put a new file at the lowest free descriptor; on an error it is closed. Returns the descriptor.
 * Errors: -EMFILE, -ENOMEM.
 */
int fd_give(struct file *f);

/* The same for the two files of a pipe or a pair; on an error both are closed. */
int fd_give_two(struct file *const files[2], int fds[2]);
