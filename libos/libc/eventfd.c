/* SPDX-License-Identifier: BSD-2-Clause */
/* Event counters as descriptors. */
#include <sys/eventfd.h>

#include <errno.h>
#include <unistd.h>

#include <pith/anonfile.h>

#include "fd.h"
#include "result.h"

int eventfd(unsigned int count, int flags)
{
    struct file *f;
    if ((flags & ~(EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC)) != 0) {
        return (int)libc_result(-EINVAL);
    }
    int r = eventfd_new(&f, count, (flags & EFD_SEMAPHORE) != 0, flags & EFD_NONBLOCK);
    return (int)libc_result(r < 0 ? r : fd_give(f, flags));
}

/* Both answer -1 also for a short transfer, which these files never make. */
int eventfd_read(int fd, eventfd_t *value)
{
    return read(fd, value, sizeof(*value)) == sizeof(*value) ? 0 : -1;
}

int eventfd_write(int fd, eventfd_t value)
{
    return write(fd, &value, sizeof(value)) == sizeof(value) ? 0 : -1;
}
