/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending and receiving on sockets. */
#include <string.h>
#include <sys/socket.h>

#include "point.h"
#include "result.h"
#include "socket_get.h"
#include "socket_msg.h"

/* What a call transfers at most, as on Linux. */
#define LENGTH_MAX 0x7ffff000ul

static int check_iov(const struct msghdr *msg)
{
    if (msg->msg_iovlen > IOV_MAX) {
        return -EMSGSIZE;
    }
    return msg->msg_iov == NULL && msg->msg_iovlen != 0 ? -EFAULT : 0;
}

ssize_t socket_send(struct file *f, const struct msghdr *msg, int flags)
{
    if (f->ops->socket->sendmsg == NULL) {
        return -EOPNOTSUPP;
    }
    if ((int)msg->msg_namelen < 0) {
        return -EINVAL;
    }
    int r = check_iov(msg);
    return r < 0 ? r : f->ops->socket->sendmsg(f, msg, flags);
}

ssize_t socket_receive(struct file *f, struct msghdr *msg, int flags)
{
    if (f->ops->socket->recvmsg == NULL) {
        return -EOPNOTSUPP;
    }
    if ((int)msg->msg_namelen < 0) {
        return -EINVAL;
    }
    int r = check_iov(msg);
    return r < 0 ? r : f->ops->socket->recvmsg(f, msg, flags);
}

static ssize_t sendmsg_once(int fd, const struct msghdr *msg, int flags)
{
    struct file *f;
    ssize_t r = socket_get(fd, &f);
    if (r == 0) {
        r = msg != NULL ? socket_send(f, msg, flags) : -EFAULT;
        file_unref(f);
    }
    return r;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
    ssize_t r;
    LIBC_RESTARTING(r, sendmsg_once(fd, msg, flags));
    return libc_result(r);
}

static ssize_t recvmsg_once(int fd, struct msghdr *msg, int flags)
{
    struct file *f;
    ssize_t r = socket_get(fd, &f);
    if (r == 0) {
        r = msg != NULL ? socket_receive(f, msg, flags) : -EFAULT;
        file_unref(f);
    }
    return r;
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
    ssize_t r;
    LIBC_RESTARTING(r, recvmsg_once(fd, msg, flags));
    return libc_result(r);
}

ssize_t sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
               socklen_t addrlen)
{
    struct iovec v = { (void *)(uintptr_t)buf, len < LENGTH_MAX ? len : LENGTH_MAX };
    struct msghdr msg = {
        .msg_name = (void *)(uintptr_t)addr, .msg_namelen = addr != NULL ? addrlen : 0,
        .msg_iov = &v, .msg_iovlen = 1,
    };
    return sendmsg(fd, &msg, flags);
}

static ssize_t send_once(int fd, const void *buf, size_t len, int flags)
{
    struct file *f;
    ssize_t r = socket_get(fd, &f);
    if (r < 0) {
        return r;
    }
    if (f->ops->socket->send != NULL && len != 0) {
        r = f->ops->socket->send(f, buf, len, flags);
    } else {
        struct iovec v = { (void *)(uintptr_t)buf, len };
        r = socket_send(f, &(struct msghdr){ .msg_iov = &v, .msg_iovlen = 1 }, flags);
    }
    file_unref(f);
    return r;
}

ssize_t send(int fd, const void *buf, size_t len, int flags)
{
    ssize_t r;
    len = len < LENGTH_MAX ? len : LENGTH_MAX;
    LIBC_RESTARTING(r, send_once(fd, buf, len, flags));
    return libc_result(r);
}

ssize_t recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
                 socklen_t *addrlen)
{
    struct iovec v = { buf, len < LENGTH_MAX ? len : LENGTH_MAX };
    struct msghdr msg = { .msg_iov = &v, .msg_iovlen = 1 };
    if (addr != NULL) {
        if (addrlen == NULL) {
            return libc_result(-EFAULT);
        }
        msg.msg_name = addr;
        msg.msg_namelen = *addrlen;
    }
    ssize_t r = recvmsg(fd, &msg, flags);
    if (r >= 0 && addr != NULL) {
        *addrlen = msg.msg_namelen;
    }
    return r;
}

static ssize_t recv_once(int fd, void *buf, size_t len, int flags)
{
    struct file *f;
    ssize_t r = socket_get(fd, &f);
    if (r < 0) {
        return r;
    }
    if (f->ops->socket->recv != NULL && len != 0) {
        r = f->ops->socket->recv(f, buf, len, flags);
    } else {
        struct iovec v = { buf, len };
        r = socket_receive(f, &(struct msghdr){ .msg_iov = &v, .msg_iovlen = 1 }, flags);
    }
    file_unref(f);
    return r;
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
    ssize_t r;
    len = len < LENGTH_MAX ? len : LENGTH_MAX;
    LIBC_RESTARTING(r, recv_once(fd, buf, len, flags));
    return libc_result(r);
}
