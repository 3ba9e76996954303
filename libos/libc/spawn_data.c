/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program prepares for posix_spawn(), which fails (processes.c): wrong arguments are told,
 * nothing is kept.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <spawn.h>
#include <stddef.h>

#define FLAGS (POSIX_SPAWN_RESETIDS | POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSCHEDPARAM | \
               POSIX_SPAWN_SETSCHEDULER | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK)

int posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions)
{
    *actions = NULL;
    return 0;
}

int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *actions)
{
    (void)actions;
    return 0;
}

int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *restrict actions, int fd,
                                     const char *restrict path, int flags, mode_t mode)
{
    (void)actions;
    (void)path;
    (void)flags;
    (void)mode;
    return fd < 0 ? EBADF : 0;
}

int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int fd, int to)
{
    (void)actions;
    return fd < 0 || to < 0 ? EBADF : 0;
}

int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *actions, int fd)
{
    (void)actions;
    return fd < 0 ? EBADF : 0;
}

int posix_spawnattr_init(posix_spawnattr_t *attr)
{
    *attr = NULL;
    return 0;
}

int posix_spawnattr_destroy(posix_spawnattr_t *attr)
{
    (void)attr;
    return 0;
}

int posix_spawnattr_setflags(posix_spawnattr_t *attr, short flags)
{
    (void)attr;
    return flags & ~FLAGS ? EINVAL : 0;
}

int posix_spawnattr_setpgroup(posix_spawnattr_t *attr, pid_t group)
{
    (void)attr;
    (void)group;
    return 0;
}

int posix_spawnattr_setsigdefault(posix_spawnattr_t *restrict attr, const sigset_t *restrict set)
{
    (void)attr;
    (void)set;
    return 0;
}

int posix_spawnattr_setsigmask(posix_spawnattr_t *restrict attr, const sigset_t *restrict set)
{
    (void)attr;
    (void)set;
    return 0;
}
