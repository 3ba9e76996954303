/* SPDX-License-Identifier: BSD-2-Clause */
/* Random bytes for programs. newlib's arc4random() is seeded by getentropy(). */
#include <sys/random.h>

#include <pith/random.h>

#include "result.h"

#define ENTROPY_MAX 256 /* POSIX: GETENTROPY_MAX */

ssize_t getrandom(void *buf, size_t len, unsigned flags)
{
    if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) {
        return libc_result(-EINVAL);
    }
    if (!random_strong() && !(flags & GRND_INSECURE)) {
        /* Gathering reads devices; where there is none, saying so is better than weak keys. */
        int r = flags & GRND_NONBLOCK ? -EAGAIN : random_gather();
        if (r != 0) {
            return libc_result(r);
        }
    }
    random_bytes(buf, len);
    return (ssize_t)len;
}

int getentropy(void *buf, size_t len)
{
    if (len > ENTROPY_MAX) {
        return (int)libc_result(-EIO);
    }
    return getrandom(buf, len, 0) < 0 ? -1 : 0;
}
