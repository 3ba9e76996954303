/* SPDX-License-Identifier: BSD-2-Clause */
/* The wall between lwIP's errors and -errno. */
#include "net.h"

#include <errno.h>

int net_errno(err_t err)
{
    static const int table[] = {
        [-ERR_OK] = 0,
        [-ERR_MEM] = -ENOMEM,
        [-ERR_BUF] = -ENOBUFS,
        [-ERR_TIMEOUT] = -ETIMEDOUT,
        [-ERR_RTE] = -ENETUNREACH,
        [-ERR_INPROGRESS] = -EINPROGRESS,
        [-ERR_VAL] = -EINVAL,
        [-ERR_WOULDBLOCK] = -EAGAIN,
        [-ERR_USE] = -EADDRINUSE,
        [-ERR_ALREADY] = -EALREADY,
        [-ERR_ISCONN] = -EISCONN,
        [-ERR_CONN] = -ENOTCONN,
        [-ERR_IF] = -ENETDOWN,
        [-ERR_ABRT] = -ECONNABORTED,
        [-ERR_RST] = -ECONNRESET,
        [-ERR_CLSD] = -ENOTCONN,
        [-ERR_ARG] = -EINVAL,
    };

    return err <= 0 && -err < (int)(sizeof(table) / sizeof(table[0])) ? table[-err] : -EIO;
}
