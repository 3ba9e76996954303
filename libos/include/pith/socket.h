/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets: what an address family offers behind the calls of <sys/socket.h>.
 *
 * A socket is a file whose file_ops.socket is set; read() and write() come through file_ops. The
 * calls below are made in thread context and may sleep; results are counts or 0, errors -errno.
 * Non-blocking is O_NONBLOCK in file.flags, or MSG_DONTWAIT.
 */
#pragma once

#include <sys/socket.h>

#include <pith/file.h>

struct zc_buffer;
struct zc_loan;

struct socket_ops {
    int (*bind)(struct file *f, const struct sockaddr *addr, socklen_t len);
    int (*connect)(struct file *f, const struct sockaddr *addr, socklen_t len);
    int (*listen)(struct file *f, int backlog);
    /* A new file with one reference in *out; SOCK_NONBLOCK of `flags` is in its flags already. */
    int (*accept)(struct file *f, int flags, struct sockaddr *addr, socklen_t *len,
                  struct file **out);
    int (*getsockname)(struct file *f, struct sockaddr *addr, socklen_t *len);
    int (*getpeername)(struct file *f, struct sockaddr *addr, socklen_t *len);
    ssize_t (*sendmsg)(struct file *f, const struct msghdr *msg, int flags);
    ssize_t (*recvmsg)(struct file *f, struct msghdr *msg, int flags);
    /* The same for one buffer and no address, which are most; NULL: by the calls above. len > 0. */
    ssize_t (*send)(struct file *f, const void *buf, size_t len, int flags);
    ssize_t (*recv)(struct file *f, void *buf, size_t len, int flags);
    int (*setsockopt)(struct file *f, int level, int name, const void *value, socklen_t len);
    int (*getsockopt)(struct file *f, int level, int name, void *value, socklen_t *len);
    int (*shutdown)(struct file *f, int how);

    /*
     * The calls of pith/zerocopy.h, with -errno as results; NULL: this kind does not have them.
     * sendfile() uses zc_send for memory that file_ops.extent gives.
     */
    ssize_t (*zc_recv)(struct file *f, struct zc_loan *loan, int flags, struct sockaddr *from,
                       socklen_t *fromlen);
    void (*zc_return)(struct zc_loan *loan);
    ssize_t (*zc_send)(struct file *f, struct zc_buffer *b, const void *data, size_t len, int flags,
                       const struct sockaddr *to, socklen_t tolen);
};

/*
 * An address family that only programs which use it have: its object is pulled by a header that they
 * include (<sys/un.h>), and is found in the section by socket().
 *
 * open: `type` may hold SOCK_NONBLOCK and SOCK_CLOEXEC; *out has one reference.
 */
struct socket_family {
    int domain;
    int (*open)(int type, int protocol, struct file **out);
};

#define SOCKET_FAMILY __attribute__((section(".pith.families"), used)) const struct socket_family
