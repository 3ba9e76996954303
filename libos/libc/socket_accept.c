/* SPDX-License-Identifier: BSD-2-Clause */
/* accept() and accept4(). */
#include <sys/socket.h>

#include "point.h"
#include "result.h"
#include "socket_get.h"

static int accept_one(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    struct file *f, *accepted;
    if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) {
        return -EINVAL;
    }
    int r = socket_get(fd, &f);
    if (r < 0) {
        return r;
    }
    if (f->ops->socket->accept == NULL) {
        r = -EOPNOTSUPP;
    } else if (addr != NULL && (len == NULL || (int)*len < 0)) {
        r = len == NULL ? -EFAULT : -EINVAL;
    } else {
        r = f->ops->socket->accept(f, flags, addr, len, &accepted);
    }
    file_unref(f);
    if (r < 0) {
        return r;
    }
    r = fd_install(accepted, 0, flags);
    if (r < 0) {
        file_unref(accepted);
    }
    return r;
}

int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    int r;
    LIBC_RESTARTING(r, accept_one(fd, addr, len, flags));
    return (int)libc_result(r);
}

int accept(int fd, struct sockaddr *addr, socklen_t *len)
{
    return accept4(fd, addr, len, 0);
}
