/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls on a socket that carry no data: each finds the socket and asks its kind. What a kind
 * does not have is -EOPNOTSUPP.
 */
#include <sys/socket.h>

#include "point.h"
#include "result.h"
#include "socket_get.h"

int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
    struct file *f;
    int r = socket_get(fd, &f);
    if (r == 0) {
        r = f->ops->socket->bind != NULL ? f->ops->socket->bind(f, addr, len) : -EOPNOTSUPP;
        file_unref(f);
    }
    return (int)libc_result(r);
}

static int connect_once(int fd, const struct sockaddr *addr, socklen_t len)
{
    struct file *f;
    int r = socket_get(fd, &f);
    if (r == 0) {
        r = f->ops->socket->connect != NULL ? f->ops->socket->connect(f, addr, len) : -EOPNOTSUPP;
        file_unref(f);
    }
    return r;
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    libc_point();
    int r = connect_once(fd, addr, len);
    if (r == -EINTR) {
        point_attend(); /* the connection goes on in the background: not begun again */
    }
    return (int)libc_result(r);
}

int listen(int fd, int backlog)
{
    struct file *f;
    int r = socket_get(fd, &f);
    if (r == 0) {
        r = f->ops->socket->listen != NULL ? f->ops->socket->listen(f, backlog) : -EOPNOTSUPP;
        file_unref(f);
    }
    return (int)libc_result(r);
}

/* getsockname() and getpeername(). */
static int name_of(int fd, struct sockaddr *addr, socklen_t *len, bool peer)
{
    struct file *f;
    int r = socket_get(fd, &f);
    if (r < 0) {
        return (int)libc_result(r);
    }
    const struct socket_ops *ops = f->ops->socket;
    int (*get)(struct file *, struct sockaddr *, socklen_t *) =
        peer ? ops->getpeername : ops->getsockname;
    if (get == NULL) {
        r = -EOPNOTSUPP;
    } else if (addr == NULL || len == NULL) {
        r = -EFAULT;
    } else {
        r = (int)*len < 0 ? -EINVAL : get(f, addr, len);
    }
    file_unref(f);
    return (int)libc_result(r);
}

int getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
    return name_of(fd, addr, len, false);
}

int getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
    return name_of(fd, addr, len, true);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    struct file *f;
    int r = socket_get(fd, &f);
    if (r == 0) {
        if ((int)len < 0) {
            r = -EINVAL;
        } else {
            r = f->ops->socket->setsockopt != NULL
                    ? f->ops->socket->setsockopt(f, level, name, value, len)
                    : -ENOPROTOOPT;
        }
        file_unref(f);
    }
    return (int)libc_result(r);
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    struct file *f;
    int r = socket_get(fd, &f);
    if (r == 0) {
        r = f->ops->socket->getsockopt != NULL
                ? f->ops->socket->getsockopt(f, level, name, value, len)
                : -ENOPROTOOPT;
        file_unref(f);
    }
    return (int)libc_result(r);
}

int shutdown(int fd, int how)
{
    struct file *f;
    int r = socket_get(fd, &f);
    if (r == 0) {
        r = f->ops->socket->shutdown != NULL ? f->ops->socket->shutdown(f, how) : -EOPNOTSUPP;
        file_unref(f);
    }
    return (int)libc_result(r);
}

/* There is never urgent data. */
int sockatmark(int fd)
{
    struct file *f;
    int r = socket_get(fd, &f);
    if (r == 0) {
        file_unref(f);
    }
    return (int)libc_result(r);
}
