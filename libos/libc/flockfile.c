/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream's lock in the program's hands (POSIX, flockfile): newlib declares these and has none. */
#include <stdio.h>
#include <sys/lock.h>

void flockfile(FILE *stream)
{
    __lock_acquire_recursive(stream->_lock);
}

/* Zero when the lock was free. */
int ftrylockfile(FILE *stream)
{
    return __lock_try_acquire_recursive(stream->_lock) ? 0 : -1;
}

void funlockfile(FILE *stream)
{
    __lock_release_recursive(stream->_lock);
}
