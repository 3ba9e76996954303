/* SPDX-License-Identifier: BSD-2-Clause */
/* socket(): the one call that brings the network into an image. */
#include <errno.h>
#include <sys/socket.h>

#include <pith/file.h>

#include "../net/socket_open.h"
#include "result.h"

int socket(int domain, int type, int protocol)
{
    struct file *f;
    if (domain != AF_INET && domain != AF_INET6) {
        return (int)libc_result(-EAFNOSUPPORT);
    }
    int r = inet_socket_open(domain, type, protocol, &f);
    if (r < 0) {
        return (int)libc_result(r);
    }
    r = fd_install(f, 0, type);
    if (r < 0) {
        file_unref(f);
    }
    return (int)libc_result(r);
}
