/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Other processes: there are none, and one address space can't have any. Each call is ENOSYS, and
 * the first one says in the log what to do instead. Waiting finds no children.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pith/log.h>

#include "result.h"

static int refuse(const char *call)
{
    static bool told; /* atomic */
    if (!__atomic_exchange_n(&told, true, __ATOMIC_RELAXED)) {
        klog(LOG_WARNING, "%s(): an image is one program: use a thread, or run another image", call);
    }
    return (int)libc_result(-ENOSYS);
}

pid_t fork(void)
{
    return refuse("fork");
}

pid_t vfork(void)
{
    return refuse("vfork");
}

int daemon(int nochdir, int noclose)
{
    (void)nochdir;
    (void)noclose;
    return refuse("daemon");
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

/* C11 7.22.4.8: with NULL the question is whether there is a command processor. */
int system(const char *command)
{
    return command == NULL ? 0 : refuse("system");
}

FILE *popen(const char *command, const char *mode)
{
    (void)command;
    (void)mode;
    (void)refuse("popen");
    return NULL;
}

int pclose(FILE *stream)
{
    (void)stream;
    return (int)libc_result(-ECHILD);
}

pid_t wait(int *status)
{
    (void)status;
    return (pid_t)libc_result(-ECHILD);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
    (void)pid;
    (void)status;
    return (pid_t)libc_result(options & ~(WNOHANG | WUNTRACED) ? -EINVAL : -ECHILD);
}
