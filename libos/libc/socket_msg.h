/* SPDX-License-Identifier: BSD-2-Clause */
/* sendmsg() and recvmsg() on an open socket; -errno as result. */
#pragma once

#include <sys/socket.h>

struct file;

ssize_t socket_send(struct file *f, const struct msghdr *msg, int flags);
ssize_t socket_receive(struct file *f, struct msghdr *msg, int flags);
