/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * socket(): the one call that brings the network into an image. Other families are there where the
 * program has included their header.
 */
#include <errno.h>
#include <sys/socket.h>

#include <pith/file.h>
#include <pith/socket.h>

#include "../net/socket_open.h"
#include "result.h"

/* Placed by the linker script. */
extern const struct socket_family __families_start[], __families_end[];

static int open_socket(int domain, int type, int protocol, struct file **out)
{
    if (domain == AF_INET || domain == AF_INET6) {
        return inet_socket_open(domain, type, protocol, out);
    }
    for (const struct socket_family *f = __families_start; f < __families_end; f++) {
        if (f->domain == domain) {
            return f->open(type, protocol, out);
        }
    }
    return -EAFNOSUPPORT;
}

int socket(int domain, int type, int protocol)
{
    struct file *f;
    int r = open_socket(domain, type, protocol, &f);
    if (r < 0) {
        return (int)libc_result(r);
    }
    r = fd_install(f, 0, type);
    if (r < 0) {
        file_unref(f);
    }
    return (int)libc_result(r);
}
