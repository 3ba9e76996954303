/* SPDX-License-Identifier: BSD-2-Clause */
/* exec...() and posix_spawn(): no other program can be loaded. */
#define _GNU_SOURCE
#include <errno.h>
#include <spawn.h>
#include <unistd.h>

#include "process_refuse.h"

static int refuse(const char *call)
{
    static bool told; /* atomic */
    return process_refuse(call, "link it into the image, or run it as another image", &told);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
    (void)path;
    (void)argv;
    (void)envp;
    return refuse("execve");
}

int fexecve(int fd, char *const argv[], char *const envp[])
{
    (void)fd;
    (void)argv;
    (void)envp;
    return refuse("fexecve");
}

int execv(const char *path, char *const argv[])
{
    (void)path;
    (void)argv;
    return refuse("execv");
}

int execvp(const char *file, char *const argv[])
{
    (void)file;
    (void)argv;
    return refuse("execvp");
}

int execvpe(const char *file, char *const argv[], char *const envp[])
{
    (void)file;
    (void)argv;
    (void)envp;
    return refuse("execvpe");
}

int execl(const char *path, const char *arg, ...)
{
    (void)path;
    (void)arg;
    return refuse("execl");
}

int execle(const char *path, const char *arg, ...)
{
    (void)path;
    (void)arg;
    return refuse("execle");
}

int execlp(const char *file, const char *arg, ...)
{
    (void)file;
    (void)arg;
    return refuse("execlp");
}

/* These give the error as their result. */
int posix_spawn(pid_t *restrict pid, const char *restrict path,
                const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *restrict attr,
                char *const argv[], char *const envp[])
{
    (void)pid;
    (void)path;
    (void)actions;
    (void)attr;
    (void)argv;
    (void)envp;
    (void)refuse("posix_spawn");
    return ENOSYS;
}

int posix_spawnp(pid_t *restrict pid, const char *restrict file,
                 const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *restrict attr,
                 char *const argv[], char *const envp[])
{
    return posix_spawn(pid, file, actions, attr, argv, envp);
}
