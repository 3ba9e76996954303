/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of pith/zerocopy.h on descriptors. */
#include <pith/zerocopy.h>

#include "result.h"
#include "socket_get.h"

ssize_t zc_recv(int fd, struct zc_loan *loan, int flags, struct sockaddr *from, socklen_t *fromlen)
{
    struct file *f;
    ssize_t r = socket_get(fd, &f);
    if (r == 0) {
        loan->n = 0;
        loan->owner = NULL;
        r = f->ops->socket->zc_recv != NULL
                ? f->ops->socket->zc_recv(f, loan, flags, from, fromlen)
                : -EOPNOTSUPP;
        file_unref(f);
    }
    return libc_result(r);
}

void zc_return(struct zc_loan *loan)
{
    struct file *f = loan->owner;
    if (f != NULL) {
        f->ops->socket->zc_return(loan);
    }
}

ssize_t zc_send(int fd, struct zc_buffer *b, const void *data, size_t len, int flags,
                const struct sockaddr *to, socklen_t tolen)
{
    struct file *f;
    ssize_t r = socket_get(fd, &f);
    if (r == 0) {
        r = f->ops->socket->zc_send != NULL
                ? f->ops->socket->zc_send(f, b, data, len, flags, to, tolen)
                : -EOPNOTSUPP;
        file_unref(f);
    }
    return libc_result(r);
}
