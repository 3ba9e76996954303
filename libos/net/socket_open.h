/* SPDX-License-Identifier: BSD-2-Clause */
/* The one way into this room for socket(): make an Internet socket. */
#pragma once

struct file;

/*
 * type may hold SOCK_NONBLOCK and SOCK_CLOEXEC. *out has one reference. Context: thread.
 * Errors: -EINVAL, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -ENOBUFS, -ENOMEM.
 */
int inet_socket_open(int domain, int type, int protocol, struct file **out);
