/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of the descriptor table that only the C library makes; the rest is in <pith/file.h>. */
#pragma once

#include <pith/file.h>

/* As for fd_install(), `flags` are looked at for O_CLOEXEC. */

/*
 * Put f, with the caller's reference, at exactly `fd`; what was there is closed. Returns fd.
 * Errors: -EBADF (no possible descriptor), -ENOMEM; the reference stays the caller's.
 */
int fd_replace(struct file *f, int fd, int flags);

/* Whether a descriptor is to be closed by exec: FD_CLOEXEC or 0. Errors: -EBADF. */
int fd_get_flags(int fd);
int fd_set_flags(int fd, int flags);

/* Close a descriptor. Errors: -EBADF. */
int fd_remove(int fd);

/*
 * Put a new file at the lowest free descriptor; on an error it is closed. Returns the descriptor.
 * Errors: -EMFILE, -ENOMEM.
 */
int fd_give(struct file *f, int flags);

/* The same for the two files of a pipe or a pair; on an error both are closed. */
int fd_give_two(struct file *const files[2], int fds[2], int flags);
