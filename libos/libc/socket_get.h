/* SPDX-License-Identifier: BSD-2-Clause */
/* From descriptors to sockets. */
#pragma once

#include <errno.h>

#include <pith/file.h>
#include <pith/socket.h>

/*
 * The socket behind a descriptor with a reference in *out, 0; -EBADF, -ENOTSOCK. The caller looks
 * whether the socket has the operation.
 */
static inline int socket_get(int fd, struct file **out)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return -EBADF;
    }
    if (f->ops->socket == NULL) {
        file_unref(f);
        return -ENOTSOCK;
    }
    *out = f;
    return 0;
}
