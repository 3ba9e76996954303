/* SPDX-License-Identifier: BSD-2-Clause */
/* sendfile(): from one descriptor to another. */
#include <sys/sendfile.h>

#include <pith/file.h>
#include <pith/fs.h>

#include "point.h"
#include "result.h"

static ssize_t sendfile_once(int out, int in, off_t *offset, size_t len)
{
    struct file *from = fd_get(in);
    struct file *to = fd_get(out);
    ssize_t r = from != NULL && to != NULL ? fs_sendfile(to, from, offset, len) : -EBADF;
    if (from != NULL) {
        file_unref(from);
    }
    if (to != NULL) {
        file_unref(to);
    }
    return r;
}

ssize_t sendfile(int out, int in, off_t *offset, size_t len)
{
    ssize_t r;
    LIBC_RESTARTING(r, sendfile_once(out, in, offset, len));
    return libc_result(r);
}
